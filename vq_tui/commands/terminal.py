"""What this terminal can carry: for `doctor`, judged by the console's own rules."""

import os
import shutil
import sys
from collections.abc import Mapping

from actions.model.errors import VqError
from actions.model.health import Check
from actions.model.words import Gate
from vq_tui import tty

COLUMNS, ROWS = 80, 24


def terminal_checks(environment: Mapping[str, str] = os.environ) -> tuple[Check, ...]:
    """Checks of the terminal this command runs in."""
    return (_terminal(environment), _size(), _colours(environment), _characters(environment))


def _terminal(environment: Mapping[str, str]) -> Check:
    try:
        tty.require(environment)
    except VqError as error:
        no_terminal = not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty())
        advice = "the commands work here; the console needs a terminal" if no_terminal else "the commands work as it is"
        return _check("terminal", Gate.INCONCLUSIVE if no_terminal else Gate.FAIL, error.message, advice)
    return _check("terminal", Gate.PASS, f"TERM={environment.get('TERM')}")


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
    count = tty.colours(environment)
    return _check("colours", Gate.PASS, "true colour" if count > 256 else f"{count}: states stay glyph and word")


def _characters(environment: Mapping[str, str]) -> Check:
    if not tty.needs_ascii(environment):
        return _check("characters", Gate.PASS, "UTF-8")
    advice = "symbols are drawn in ASCII; for the others set LANG to a UTF-8 locale such as C.UTF-8"
    return _check("characters", Gate.INCONCLUSIVE, "only ASCII is safe with this locale or terminal", advice)


def _check(name: str, gate: Gate, evidence: str, advice: str = "") -> Check:
    return Check(id=f"terminal-{name}", title=name, gate=gate, evidence=evidence, advice=advice)
