"""The launcher of the full-screen console. Light to import: Textual comes once the terminal is known to carry it."""

import os
import sys
from typing import TYPE_CHECKING, Any

from actions.model.errors import ConfigError
from vq_tui import tty

if TYPE_CHECKING:
    from actions.model.environment import Settings
    from screens.desk_protocol import Viewer

PROFILE = {
    "TEXTUAL_FPS": "60",  # less makes a key wait for the next frame; what is painted is thin already
    "TEXTUAL_ANIMATIONS": "none",
    "TEXTUAL_SMOOTH_SCROLL": "0",
    "TEXTUAL_DISABLE_KITTY_KEY": "1",
}
"""What Textual reads when it is imported: a console is used over thin links (textual-facts 3.6). Set ones are kept."""


def run_console(
    desk: "Viewer",
    settings: "Settings | None" = None,
    *,
    ascii: bool = False,
    theme: str | None = None,
) -> int:
    """Open the console on `desk` (not started yet; it is started after the first frame and closed at the end).

    `settings` default to those of the desk. Returns the exit code: 0, or 128 + n after signal n. Raises VqError where
    the terminal cannot carry it, ConfigError where a theme or a key is wrong.
    """
    tty.require(os.environ)
    for name, value in PROFILE.items():
        os.environ.setdefault(name, value)
    console = (settings or desk.settings).console
    chosen = theme or console.theme
    from screens.theme import fitting, load
    from vq_tui.console import VqConsole
    from vq_tui.memory import share_memory

    fallback = ""
    try:
        load(chosen)
    except ConfigError as error:
        if theme is not None:
            raise
        chosen, fallback = "calm", error.message
    chosen = fitting(chosen, colours=tty.colours(os.environ), no_colour="NO_COLOR" in os.environ)
    app = VqConsole(
        desk, theme_name=chosen, ascii_only=ascii or console.ascii or tty.needs_ascii(os.environ), keys=console.keys
    )
    app.opening_words = fallback
    share_memory()
    app.run(mouse=console.mouse)
    tty.forget_if_gone()
    if app.last_words:
        sys.stderr.write(app.last_words + "\n")
    return app.return_code or 0


def __getattr__(name: str) -> Any:
    """`vq_tui.app.VqConsole`, imported when asked for."""
    if name == "VqConsole":
        from vq_tui.console import VqConsole

        return VqConsole
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
