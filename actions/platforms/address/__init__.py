"""Addresses whose processes are managed elsewhere: observed, never changed."""
