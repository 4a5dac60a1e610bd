"""What this terminal can carry: size, colours, characters."""

import locale
import os
import shutil
import sys
from collections.abc import Mapping

from actions.model.errors import ExitCode, VqError
from actions.model.health import Check
from actions.model.words import Gate

COLUMNS, ROWS = 80, 24


def terminal_checks(environment: Mapping[str, str] = os.environ) -> tuple[Check, ...]:
    """Checks of the terminal this command runs in."""
    return (_terminal(environment), _size(), _colours(environment), _characters())


def _terminal(environment: Mapping[str, str]) -> Check:
    term = environment.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _check(
            "terminal", Gate.INCONCLUSIVE, "no terminal here", "the commands work; the console needs a terminal"
        )
    if term in ("", "dumb"):
        advice = "set TERM to what your terminal is, for instance xterm-256color; the commands work without"
        return _check("terminal", Gate.FAIL, f"TERM={term or 'unset'} cannot carry the console", advice)
    return _check("terminal", Gate.PASS, f"TERM={term}")


def _size() -> Check:
    if not sys.stdout.isatty():
        return _check("size", Gate.INCONCLUSIVE, "no terminal here")
    size = shutil.get_terminal_size()
    said = f"{size.columns}x{size.lines}"
    if size.columns < COLUMNS or size.lines < ROWS:
        return _check("size", Gate.FAIL, said, f"make the window at least {COLUMNS}x{ROWS}")
    return _check("size", Gate.PASS, said)


def _colours(environment: Mapping[str, str]) -> Check:
    if "NO_COLOR" in environment:
        return _check("colours", Gate.PASS, "none, because NO_COLOR is set: states stay glyph and word")
    if environment.get("COLORTERM") in ("truecolor", "24bit"):
        return _check("colours", Gate.PASS, "true colour")
    count = "256" if "256" in environment.get("TERM", "") else "16 or fewer"
    return _check("colours", Gate.PASS, f"{count}: states stay glyph and word")


def _characters() -> Check:
    encoding = locale.getpreferredencoding(False).lower().replace("-", "")
    if encoding == "utf8":
        return _check("characters", Gate.PASS, "UTF-8")
    advice = "use --ascii, or set LANG to a UTF-8 locale such as C.UTF-8"
    return _check("characters", Gate.INCONCLUSIVE, f"the locale is {encoding}", advice)


def _check(name: str, gate: Gate, evidence: str, advice: str = "") -> Check:
    return Check(id=f"terminal-{name}", title=name, gate=gate, evidence=evidence, advice=advice)


def require_terminal(environment: Mapping[str, str] = os.environ) -> None:
    """Raises VqError (exit code TERMINAL) where the console cannot be drawn at all."""
    found = _terminal(environment)
    if found.gate is not Gate.PASS:
        raise VqError(f"{found.evidence}: {found.advice}", code=ExitCode.TERMINAL)
