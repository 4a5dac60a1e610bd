"""One operation on a stack at a time, also across processes; the second waits."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from actions.model.errors import Busy
from actions.sandbox.layout import Layout

WAIT_SECONDS = 120.0


@contextmanager
def operation(layout: Layout) -> Iterator[None]:
    """Hold the stack. Raises Busy when another operation holds it for two minutes."""
    path = layout.directory / ".operation.lock"
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        layout.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue  # a `down` removed the directory in between
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.stat(path).st_ino == os.fstat(descriptor).st_ino:  # noqa: PTH116
                break
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise Busy(f"another operation holds the embedded stack in {layout.directory}") from None
        os.close(descriptor)
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(descriptor)
