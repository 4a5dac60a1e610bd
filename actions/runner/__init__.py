"""Executes one Plan in a process of its own: lock, journal, gates, undo, resume."""
