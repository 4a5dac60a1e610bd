"""The virtual-queue API: small but true. Every write is acknowledged only after PostgreSQL committed it."""
