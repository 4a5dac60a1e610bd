"""Asking a busy or silent API again: reads until they are answered, writes only when it said that it did not look."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from actions.clients.kubernetes_errors import Throttled
from actions.model.errors import Slow, Unreachable, VqError
from actions.model.patience import fair_timeout
from actions.model.waiting import Deadline

T = TypeVar("T")
PAUSE_SECONDS, LONGEST_PAUSE = 0.2, 5.0


async def patiently(ask: Callable[[], Awaitable[T]], deadline: Deadline, lost: Callable[[str], None]) -> T:
    """What a read (or a dry run) answers, asked again until the deadline. Raises Unreachable with the last trouble.

    `lost` is told once that it is not answered. Every other error of `ask` is final.
    """
    told = False
    while True:
        try:
            async with fair_timeout(max(deadline.remaining(), 0.001)):
                return await ask()
        except TimeoutError:
            raise Slow(f"Kubernetes did not answer within {deadline.seconds:.0f} s") from None
        except Unreachable as error:
            if deadline.passed:
                raise
            if not told:
                lost(error.message)
            told = True
            await pause(error, deadline)


async def unthrottled(write: Callable[[], Awaitable[T]], deadline: Deadline) -> T:
    """The answer to a write; repeated only while the server says that it refused to look at it (429, 503)."""
    while True:
        try:
            return await write()
        except Throttled as busy:
            if deadline.passed:
                raise
            await pause(busy, deadline)


async def pause(trouble: VqError, deadline: Deadline) -> None:
    """As long as the server asks for, within reason; shortly where it said nothing."""
    asked = trouble.after if isinstance(trouble, Throttled) else 0.0
    await asyncio.sleep(min(max(PAUSE_SECONDS, min(asked, LONGEST_PAUSE)), deadline.remaining()))
