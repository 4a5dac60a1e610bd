"""Colours and style sheets: data read by the screens."""
