"""Which releases were seen, what became of them, and which is last known good."""
