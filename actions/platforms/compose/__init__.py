"""Containers on a Docker Engine, brought back to a previous image one by one."""
