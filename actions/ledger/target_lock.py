"""The lock of a target: in the ledger's directory, and outside it by the path and by the identity of the ledger.

Another copy of the ledger, put in its place or used from elsewhere while a run is carried out, meets the locks outside.
The one inside is what versions before this one hold, and what containers share that mount the directory.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actions.ledger.locks import FileLock, is_locked, lock_path
from actions.ledger.runtime import name_of, runtime_directory
from actions.model.errors import LedgerError
from actions.model.waiting import Deadline


def lock_files(directory: Path, target: str, identity: str = "") -> tuple[Path, ...]:
    """All lock files of a target, the one in the ledger's directory first."""
    outside, inside = runtime_directory(), lock_path(directory, target)
    if outside is None:
        return (inside,)
    keys = [("path", os.path.realpath(directory), target)] + ([("ledger", identity, target)] if identity else [])
    return (inside, *(outside / f"{name_of(*key)}.lock" for key in keys))


class TargetLock:
    """Exclusive, held until `release` or the end of the process and of its children.

    Of a `refused` ledger, which cannot be relied on, the lock inside is taken where that is possible.
    """

    def __init__(self, directory: Path, target: str, identity: str = "", *, refused: bool = False) -> None:
        self._files = lock_files(directory, target, identity)
        self._refused = refused
        self._held: list[FileLock] = []
        self.problems: list[str] = []
        """Which of the locks could not be had, and why."""

    def acquire(self, *, patience: float = 1.0) -> None:
        """Take all of them. Raises Busy after `patience` seconds, LedgerError where the one inside cannot be had."""
        deadline = Deadline(patience)
        try:
            for number, path in enumerate(self._files):
                self._take(path, deadline, inside=number == 0)
        except BaseException:
            self.release()
            raise

    def _take(self, path: Path, deadline: Deadline, *, inside: bool) -> None:
        lock = FileLock(path, make=not (inside and self._refused))
        try:
            lock.acquire(patience=deadline.remaining())
        except LedgerError as error:
            if inside and not self._refused:
                raise
            self.problems.append(error.message)
        else:
            self._held.append(lock)

    def release(self) -> None:
        """Give them back; nothing happens when they are not held."""
        while self._held:
            self._held.pop().release()


@contextmanager
def target_held(directory: Path, target: str, identity: str = "", *, patience: float = 1.0) -> Iterator[None]:
    """Hold the target for a block. Raises Busy, LedgerError."""
    lock = TargetLock(directory, target, identity)
    lock.acquire(patience=patience)
    try:
        yield
    finally:
        lock.release()


def locked_file(directory: Path, target: str, identity: str = "") -> Path | None:
    """The first of the target's lock files that somebody holds; None when nobody does. Raises LedgerError."""
    return next((path for path in lock_files(directory, target, identity) if is_locked(path)), None)
