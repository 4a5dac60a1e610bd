"""One lock a target: `flock` on a file, released by the kernel when its last holder is gone.

There is no time to live and nothing stale to clean up after `kill -9`. A child that was given the descriptor keeps the
lock while it works, so nobody starts beside an orphan.
"""

import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from actions.model.errors import Busy, LedgerError
from actions.model.waiting import Deadline

_held: set[int] = set()


def held_descriptors() -> tuple[int, ...]:
    """Descriptors of the locks this process holds. Give them to children that change something (`pass_fds`)."""
    return tuple(sorted(_held))


def lock_path(directory: Path, target: str) -> Path:
    """The lock file of a target under the ledger's directory."""
    name = quote(target, safe="")
    if len(name) > 200:
        name = name[:120] + "-" + hashlib.sha256(target.encode()).hexdigest()[:32]
    return directory / "locks" / f"{name}.lock"


def _open(path: Path, *, make: bool) -> int:
    how = os.O_RDWR | os.O_CREAT if make else os.O_RDONLY  # reading is enough for a lock
    try:
        descriptor = os.open(path, how | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LedgerError(
            f"lock {path} cannot be opened: {error.strerror}; it must be a plain file of your own"
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise LedgerError(f"lock {path} is not a plain file; move it away")
    return descriptor


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the opened file still lies at its path. What is held looks used: files of old are cleared away."""
    try:
        there = path.stat(follow_symlinks=False)
        os.utime(descriptor)
    except OSError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)


class FileLock:
    """An exclusive lock on one file, held until `release` or the end of the process and of its children.

    Without `make` the file has to be there, and need not be writable. A `shared` one keeps only exclusive ones away.
    """

    def __init__(self, path: Path, *, make: bool = True, shared: bool = False) -> None:
        self.path = path
        self._how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        self._make = make
        self.descriptor: int | None = None

    def acquire(self, *, patience: float = 1.0) -> None:
        """Take the lock. Raises Busy after `patience` seconds; a mere look at the lock holds it for an instant."""
        descriptor = _open(self.path, make=self._make)
        deadline = Deadline(patience)
        while True:
            try:
                fcntl.flock(descriptor, self._how | fcntl.LOCK_NB)
                if not self._make or _is_at(descriptor, self.path):
                    break
                os.close(descriptor)  # the file was removed meanwhile: others would lock another one
                descriptor = _open(self.path, make=True)
                continue
            except BlockingIOError:
                if deadline.passed:
                    os.close(descriptor)
                    raise Busy(f"lock {self.path.name} is held by another process") from None
                time.sleep(0.01)
        self.descriptor = descriptor
        _held.add(descriptor)

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self.descriptor is not None:
            _held.discard(self.descriptor)
            os.close(self.descriptor)
            self.descriptor = None


@contextmanager
def locked(path: Path, *, patience: float = 1.0) -> Iterator[FileLock]:
    """Hold the lock on `path` for a block."""
    lock = FileLock(path)
    lock.acquire(patience=patience)
    try:
        yield lock
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock right now. Looking keeps others from it for an instant only."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise LedgerError(f"lock {path} cannot be looked at: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
