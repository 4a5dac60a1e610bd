"""The launcher of the full-screen console. Light to import: Textual comes once the terminal is known to carry it."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from actions.model.errors import ConfigError
from vq_tui import tty

if TYPE_CHECKING:
    from actions.model.run import Run
    from screens.band import Identity
    from screens.desk_protocol import Viewer
    from vq_tui.glance import Glance

PROFILE = {
    "TEXTUAL_FPS": "60",  # less makes a key wait for the next frame; what is painted is thin already
    "TEXTUAL_ANIMATIONS": "none",
    "TEXTUAL_SMOOTH_SCROLL": "0",
    "TEXTUAL_DISABLE_KITTY_KEY": "1",
}
"""What Textual reads when it is imported: a console is used over thin links (textual-facts 3.6). Set ones are kept."""


def run_console(
    glance: "Glance",
    opening: "Callable[[], Viewer]",
    *,
    ascii: bool = False,
    theme: str | None = None,
    program: str = "vq-tui",
) -> int:
    """Open the console: its first frame from `glance`, then the desk that `opening` makes (not started) on a thread.

    The desk is closed at the end, and a run that goes on is named with the command that follows it, which begins with
    `program`. Returns the exit code: 0, or 128 + n after signal n. Raises VqError where the
    terminal cannot carry it or `opening` raised it, ConfigError where a theme or a key is wrong.
    """
    tty.require(os.environ)
    tty.give_size()
    for name, value in PROFILE.items():
        os.environ.setdefault(name, value)
    from vq_tui.console import VqConsole
    from vq_tui.memory import share_memory

    chosen, fallback = _theme(glance, theme)
    app = VqConsole(
        _identity(glance),
        opening,
        theme_name=chosen,
        ascii_only=ascii or glance.ascii or tty.needs_ascii(os.environ),
        keys=glance.keys,
    )
    app.opening_words = fallback
    share_memory()
    app.run(mouse=glance.mouse)
    tty.forget_if_gone()
    if app.failed is not None:
        raise app.failed
    if app.last_words:
        sys.stderr.write(app.last_words + "\n")
    sys.stderr.write(left_behind(app.scene.active, program))
    return app.return_code or 0


def left_behind(run: "Run | None", program: str) -> str:
    """The line about the run that was under way when the console was left; empty where there was none."""
    if run is None:
        return ""
    from actions.model.identity import short_id
    from actions.model.words import RunState

    waits = run.state in (RunState.PAUSED, RunState.NEEDS_OPERATOR)
    state = f"waits ({run.state.value})" if waits else "goes on without this console"
    return (
        f"{run.procedure} of {run.service}, run {short_id(run.id)}, {state}: {program} runs follow {short_id(run.id)}\n"
    )


def _theme(glance: "Glance", asked: str | None) -> tuple[str, str]:
    """The theme to use, and words where the configured one is not there. Raises ConfigError for an absent `asked`."""
    from screens.theme import DEFAULT, fitting, load

    chosen, fallback = asked or glance.theme, ""
    try:
        load(chosen)
    except ConfigError as error:
        if asked is not None:
            raise
        chosen, fallback = DEFAULT, error.message
    return fitting(chosen, colours=tty.colours(os.environ), no_colour="NO_COLOR" in os.environ), fallback


def _identity(glance: "Glance") -> "Identity":
    from actions.desk.identity import identify
    from screens.band import Identity

    here = identify()
    return Identity(
        glance.environment,
        glance.product,
        glance.band,
        glance.drill,
        glance.read_only,
        glance.interval,
        here.host,
        here.operator,
    )


def __getattr__(name: str) -> Any:
    """`vq_tui.app.VqConsole`, imported when asked for."""
    if name == "VqConsole":
        from vq_tui.console import VqConsole

        return VqConsole
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
