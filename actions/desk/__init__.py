"""The one door for screens and commands: `Viewer` only looks, `Operator` also asks for runs and steers them.

`open_viewer` and `open_operator` load what a desk is made of when they are called, not before.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actions.desk.operator import Operator
    from actions.desk.viewer import Viewer
    from actions.model.environment import Settings

__all__ = ["open_operator", "open_viewer"]


def open_viewer(settings: "Settings", config_path: Path, environment: str) -> "Viewer":
    """A desk that can only look; call `start` before anything else. Raises UnknownNameError."""
    from actions.desk.viewer import Viewer

    return Viewer(settings, config_path, environment)


def open_operator(settings: "Settings", config_path: Path, environment: str) -> "Operator":
    """A desk that may also act; call `start` before anything else. Raises UnknownNameError or ReadOnlyError."""
    from actions.desk.operator import Operator

    return Operator(settings, config_path, environment)
