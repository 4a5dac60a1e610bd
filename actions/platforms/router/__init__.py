"""The embedded stack's router as a traffic driver (P4, O5)."""
