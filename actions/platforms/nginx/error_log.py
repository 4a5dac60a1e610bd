"""nginx's error log: whether it can be read, and what it said since a switch began (correct-procedures 2.3, step 4)."""

import stat
from pathlib import Path
from typing import BinaryIO

from actions.model.base import Fact
from actions.model.health import Check
from actions.model.text import clean
from actions.model.words import Gate

_LIMIT = 65_536


class Alarm(Fact):
    """The first `[emerg]` since the switch began; `unread` says why nobody can tell, empty when somebody could."""

    line: str = ""
    unread: str = ""


def check(log: Path) -> Check:
    """Whether this session can read it. What cannot be read is in doubt, and refuses nothing: answers are the proof."""
    try:
        with _opened(log):
            return Check(id="error-log", title="error log", gate=Gate.PASS, evidence=f"{log} is readable")
    except OSError as error:
        return Check(
            id="error-log",
            title="error log",
            gate=Gate.INCONCLUSIVE,
            evidence=_unread(log, error),
            advice="let the operators read it (Debian: group adm), or correct 'error_log'",
        )


def length(log: Path | None) -> int | None:
    """Where the log ends now; None when it cannot be read, or there is none to read."""
    if log is None:
        return None
    try:
        with _opened(log) as stream:
            return stream.seek(0, 2)
    except FileNotFoundError:
        return 0
    except OSError:
        return None


def since(log: Path | None, start: int | None) -> Alarm:
    """What it says from `start` on, from its beginning when it was rotated meanwhile."""
    if log is None:
        return Alarm()
    try:
        with _opened(log) as stream:
            end = stream.seek(0, 2)
            if start is None:
                return Alarm(unread=f"{log} could not be read before the switch")
            stream.seek(start if start <= end else 0)
            lines = stream.read(_LIMIT).splitlines()
    except OSError as error:
        return Alarm(unread=_unread(log, error))
    return Alarm(line=next((clean(line, limit=300) for line in lines if b"[emerg]" in line), ""))


def _opened(log: Path) -> BinaryIO:
    """Raises OSError; a pipe or a terminal, as containers have it, would never end."""
    if not stat.S_ISREG(log.stat().st_mode):
        raise OSError(0, "it is no plain file")
    return log.open("rb")


def _unread(log: Path, error: OSError) -> str:
    return f"{log} cannot be read: {error.strerror}"
