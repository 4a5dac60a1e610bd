"""Probes, thresholds, snapshots, and the readiness of the way back."""
