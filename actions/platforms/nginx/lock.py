"""The lock on the configuration directory: whoever changes the include holds it alone."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from actions.model.errors import Busy
from actions.model.waiting import Deadline

LOCK_SECONDS = 2.0
"""Longer than anyone holds it who only looks."""

_POLL_SECONDS = 0.02


@asynccontextmanager
async def locked(directory: Path) -> AsyncIterator[int]:
    """Hold the lock for a block; gives its descriptor, for children that change something.

    A mere look holds it for an instant, so a short while is waited. Raises Busy when somebody else keeps it.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        deadline = Deadline(LOCK_SECONDS)
        while not _taken(descriptor, fcntl.LOCK_EX):
            if deadline.passed:
                raise Busy(f"{directory} is locked by another process; wait for it to end")
            await asyncio.sleep(_POLL_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


def is_free(directory: Path) -> bool:
    """Whether nobody changes anything there now. Those who only look share the lock."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return _taken(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
