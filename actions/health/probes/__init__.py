"""One probe per kind of service: asks its client, judges the figures, never raises for what it watches."""
