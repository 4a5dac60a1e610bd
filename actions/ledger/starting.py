"""Whether a process that carries a run out is on its way: known from its first moment, long before it takes the lock.

On a busy host an executor needs many seconds until it has loaded what it works with. Each executor holds a shared
lock on a file of its run from its first lines on, and the kernel gives it back when it ends, however it ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MARK = "executor.mark"


def mark_path(directory: Path, run_id: str) -> Path:
    """The file that executors of that run hold."""
    return directory / "runs" / run_id / MARK


def hold_mark(directory: Path, run_id: str) -> int | None:
    """Say that an executor of that run lives; for the life of this process. None where that cannot be said."""
    try:
        descriptor = os.open(mark_path(directory, run_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None  # the run goes on all the same; what is wrong with its directory is said by its journal
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


@contextmanager
def starting(directory: Path, run_id: str) -> Iterator[None]:
    """Say the same for as long as the block lasts: an executor is being started, and has not said so itself yet."""
    descriptor = hold_mark(directory, run_id)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def on_its_way(directory: Path, run_id: str) -> bool:
    """Whether a process that carries the run out lives on this host, at whatever point."""
    try:
        descriptor = os.open(mark_path(directory, run_id), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
