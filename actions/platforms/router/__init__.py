"""The embedded stack's router as a traffic driver."""
