"""`python -m vq_tui`, the same as `vq-tui`."""

from vq_tui.entry import main

main()
