"""The few widgets of the console: rows of text that repaint only what changed, and one entry line."""
