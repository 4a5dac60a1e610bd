"""nginx's error log: whether it can be read, and what it said since a switch began."""

import stat
from pathlib import Path
from typing import BinaryIO

from actions.model.base import Fact
from actions.model.health import Check
from actions.model.text import clean
from actions.model.words import Gate

_LIMIT = 65_536


_EMERGENCY, _RETRIED, _GIVEN_UP = b"[emerg]", b"bind() to ", b"still could not bind()"
"""nginx tries five times to bind within 2.5 s: only then has it refused a configuration because of that."""


class Alarm(Fact):
    """The first `[emerg]` since the switch began, after which nginx applies nothing any more.

    `passing` is one after which it still tries; `unread` says why nobody can tell, empty when somebody could.
    """

    line: str = ""
    passing: str = ""
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


class Watch:
    """Reads what the log says from `start` on, each part once; from its beginning when it was rotated meanwhile.

    Lines of other processes than `master` count for nothing: whoever tests another configuration writes there too.
    """

    def __init__(self, log: Path | None, start: int | None, master: int | None = None) -> None:
        self._log = log
        self._start = start
        self._position = start or 0
        self._master = master
        self._first: dict[bool, str] = {}

    def look(self) -> Alarm:
        """The alarms up to now."""
        if self._log is None:
            return Alarm()
        try:
            with _opened(self._log) as stream:
                if self._start is None:
                    return Alarm(unread=f"{self._log} could not be read before the switch")
                self._read(stream)
        except OSError as error:
            return Alarm(unread=_unread(self._log, error))
        return Alarm(line=self._first.get(True, ""), passing=self._first.get(False, ""))

    def _read(self, stream: BinaryIO) -> None:
        if self._position > stream.seek(0, 2):
            self._position = 0
        stream.seek(self._position)
        for line in iter(lambda: stream.readline(_LIMIT), b""):
            if not line.endswith(b"\n") and len(line) < _LIMIT:  # still being written
                return
            self._position += len(line)
            if _EMERGENCY in line and self._ours(line):
                final = _RETRIED not in line or _GIVEN_UP in line
                self._first.setdefault(final, clean(line.rstrip(b"\n"), limit=300))

    def _ours(self, line: bytes) -> bool:
        number = line.partition(_EMERGENCY)[2].lstrip().partition(b"#")[0]
        return self._master is None or not number.isdigit() or int(number) == self._master


def _opened(log: Path) -> BinaryIO:
    """Raises OSError; a pipe or a terminal, as containers have it, would never end."""
    if not stat.S_ISREG(log.stat().st_mode):
        raise OSError(0, "it is no plain file")
    return log.open("rb")


def _unread(log: Path, error: OSError) -> str:
    return f"{log} cannot be read: {error.strerror}"
