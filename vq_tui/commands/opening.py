"""Opening the console. Its few options are read here, so that the first frame never waits for the command parser."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from actions.model.errors import UsageError
from vq_tui import tty
from vq_tui.commands.given import GLOBAL, Session
from vq_tui.commands.guard import guarded
from vq_tui.commands.output import Output

if TYPE_CHECKING:
    from screens.desk_protocol import Viewer
    from vq_tui.glance import Glance


def console_alone(arguments: Sequence[str]) -> bool:
    """Whether these words can only mean the console, all well-formed; anything else is for the parser of commands."""
    return _read(arguments) is not None


def run(arguments: Sequence[str]) -> int:
    """Open the console as `console_alone` words ask and return the exit code. Never raises."""
    output = Output.for_terminal(arguments)
    session = Session.of(output, _read(arguments) or {})
    return guarded(output, arguments, lambda: open_console(session))


def open_console(session: Session) -> int:
    """The full-screen console on the chosen environment. Raises VqError."""
    if session.output.json:
        raise UsageError("the console has no JSON; name a command, for instance 'vq-tui status --json'")
    tty.require(os.environ)
    from vq_tui.app import run_console

    glance, opening = _opening(session)
    output = session.output
    code = run_console(glance, opening, ascii=output.ascii, theme=session.theme, program=output.program)
    return int(code or 0)


def _opening(session: Session) -> "tuple[Glance, Callable[[], Viewer]]":
    """What the first frame shows, and how its desk is opened: before the frame where only that tells what is wrong."""
    from actions.config import find_config
    from vq_tui.glance import Glance, glance

    seen = glance(find_config(session.config).absolute(), session.env)
    if seen is not None:
        return replace(seen, read_only=seen.read_only or session.read_only), session.desk
    desk = session.desk()
    return Glance.of(desk), lambda: desk


def _read(arguments: Sequence[str]) -> dict[str, str | bool] | None:
    """Global options by name; None where anything else, or anything malformed, is among the words."""
    given: dict[str, str | bool] = {}
    words = iter(arguments)
    for word in words:
        option, equals, value = word.partition("=")
        name = option.removeprefix("--")
        if not option.startswith("--") or name not in GLOBAL:
            return None
        if GLOBAL[name][0]:
            value = value if equals else next(words, "")
            if not value or value.startswith("-"):
                return None
        elif equals:
            return None
        given[name] = value or True
    return given
