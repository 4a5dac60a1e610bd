"""From vq-tui.toml to the model: strict, every error names file, place and key."""
