"""Outbox and channels: a dead channel never changes a verdict."""
