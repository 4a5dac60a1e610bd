"""The controllers of the double's control plane, and its kubelet: each writes back one step of progress."""
