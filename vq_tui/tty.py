"""What this terminal can carry, judged before anything is drawn."""

import os
import signal
import sys
import termios
from collections.abc import Mapping

from actions.model.errors import ExitCode, VqError

USUAL_SIZE = 24, 80
"""Rows and columns."""

_PLAIN_TERMS = ("linux", "vt")
"""Terminals whose fonts lack block characters."""


def require(environment: Mapping[str, str]) -> None:
    """Raises VqError (TERMINAL) where the console could not be drawn, read, or told that its terminal has gone."""
    term = environment.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise _cannot("input, output or error output is no terminal; use a command, for instance: vq-tui status")
    if term in ("", "dumb", "unknown"):
        raise _cannot(f"TERM={term or 'unset'} cannot carry the console; set TERM, or use a command: vq-tui status")
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        raise _cannot("hang-ups are ignored here (nohup?), so a lost terminal would go unnoticed; start without nohup")


def give_size() -> None:
    """Give a terminal that does not know its size (0x0: serial lines, some remote shells) the usual 80x24.

    Otherwise every frame is drawn whole, as nothing fits a window without columns. A real size that comes later counts.
    """
    rows, columns = termios.tcgetwinsize(sys.stdout.fileno())
    if not rows or not columns:
        termios.tcsetwinsize(sys.stdout.fileno(), (rows or USUAL_SIZE[0], columns or USUAL_SIZE[1]))


def forget_if_gone() -> None:
    """Where the terminal has gone, point its descriptors elsewhere: Python's last flush would change the exit code."""
    try:
        termios.tcgetattr(0)
    except termios.error:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)


def _cannot(words: str) -> VqError:
    return VqError(words, code=ExitCode.TERMINAL)


def colours(environment: Mapping[str, str]) -> int:
    """How many colours the terminal says it has."""
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return 1 << 24
    forced = environment.get("TEXTUAL_COLOR_SYSTEM", "auto")
    if forced != "auto":
        return {"standard": 16, "256": 256, "truecolor": 1 << 24}.get(forced, 16)
    term = environment.get("TERM", "")
    return 256 if "256" in term or "kitty" in term else 16


def needs_ascii(environment: Mapping[str, str]) -> bool:
    """Whether only ASCII is safe: another locale than UTF-8, or a terminal with a small font.

    Python turns the C locale into C.UTF-8 for itself (PEP 538) and says so in LC_CTYPE; the terminal did not change.
    """
    if environment.get("TERM", "").startswith(_PLAIN_TERMS):
        return True
    kind = environment.get("LC_CTYPE", "")
    if kind == "C.UTF-8" and environment.get("LANG", "") in ("", "C", "POSIX"):
        kind = "C"
    locale = environment.get("LC_ALL") or kind or environment.get("LANG") or "C"
    return "utf8" not in locale.lower().replace("-", "")
