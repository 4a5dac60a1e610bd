"""nginx as a traffic driver: one generated include, replaced atomically, proved by what answers."""
