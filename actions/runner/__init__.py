"""Carries one plan out: the detached executor, and the doors to start, resume, steer and take over a run."""
