"""Containers on a Docker Engine, brought back to a previous image one by one (P1, correct-procedures 2.1, 2.2)."""
