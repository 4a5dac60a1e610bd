"""What one sees: one file per screen, widgets and keys. No input or output of its own."""
