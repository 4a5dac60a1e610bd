"""The one door for screens and commands: `Viewer` only looks, `Operator` also asks for runs and steers them (O1)."""

from pathlib import Path

from actions.desk.operator import Operator
from actions.desk.viewer import Viewer
from actions.model.environment import Settings

__all__ = ["Operator", "Viewer", "open_operator", "open_viewer"]


def open_viewer(settings: Settings, config_path: Path, environment: str) -> Viewer:
    """A desk that can only look; call `start` before anything else. Raises UnknownNameError."""
    return Viewer(settings, config_path, environment)


def open_operator(settings: Settings, config_path: Path, environment: str) -> Operator:
    """A desk that may also act; call `start` before anything else. Raises UnknownNameError or ReadOnlyError."""
    return Operator(settings, config_path, environment)
