"""A command that is printed for a person works where it is pasted: from any directory, for that environment."""

import shlex
from pathlib import Path

from actions.config import command_line


def test_it_names_configuration_and_environment_and_survives_a_shell() -> None:
    told = command_line("runs resume XFCZBA", Path("/srv/night watch/vq-tui.toml"), "production")
    words = ["vq-tui", "--config", "/srv/night watch/vq-tui.toml", "--env", "production", "runs", "resume", "XFCZBA"]
    assert shlex.split(told) == words


def test_a_run_from_elsewhere_has_no_configuration_here() -> None:
    assert command_line("runs resume XFCZBA", Path(), "production") == "vq-tui runs resume XFCZBA"
