"""Scenarios, clock points and scores."""
