"""Supervised processes on this host: the supervisor program and what it is made of."""
