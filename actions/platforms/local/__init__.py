"""Supervised processes on this host (P4): the supervisor program and what it is made of."""
