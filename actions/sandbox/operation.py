"""One operation on a stack at a time, also across processes; the second waits."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actions.model.errors import Busy, Refused
from actions.sandbox.layout import Layout

WAIT_SECONDS = 120.0


@contextmanager
def operation(layout: Layout) -> Iterator[None]:
    """Hold the stack. Raises Busy when another operation holds it for two minutes."""
    path = layout.directory / ".operation.lock"
    deadline = time.monotonic() + WAIT_SECONDS
    while (descriptor := _try(layout, path)) is None:
        if time.monotonic() > deadline:
            raise Busy(f"another operation holds the embedded stack in {layout.directory}")
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(descriptor)


def _try(layout: Layout, path: Path) -> int | None:
    try:
        layout.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{layout.directory} cannot be used for the embedded stack: {error.strerror}") from error
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None  # a `down` removed the directory in between
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        os.close(descriptor)
        return None
    os.close(descriptor)  # the lock of a directory that was removed and made anew
    return None
