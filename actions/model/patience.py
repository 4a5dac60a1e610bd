"""Timeouts that do not count the time in which this process could not run.

On an overloaded host an answer may lie in the socket while this process waits for the processor. A plain timeout that
expires meanwhile cancels the reading before it could look, and blames the other side for it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from actions.model.errors import Slow
from actions.model.waiting import Deadline

T = TypeVar("T")

SLICES = 4
"""A wait is cut into so many slices; a slice that ends late, because this process did not run, counts as one."""

MOST = 6.0
"""No wait takes longer than so many times its seconds, however late this process is."""

PAUSE_SECONDS = 0.1
"""Between two tries, so that one that fails at once is not repeated in a busy loop."""


@asynccontextmanager
async def fair_timeout(seconds: float) -> AsyncIterator[asyncio.Timeout]:
    """Like `asyncio.timeout`, but counts only time in which this event loop ran."""
    loop = asyncio.get_running_loop()
    left, last = SLICES, loop.time() + MOST * seconds
    timers: list[asyncio.TimerHandle] = []
    async with asyncio.timeout(None) as scope:

        def end_slice() -> None:
            nonlocal left
            left -= 1
            if left <= 0 or loop.time() >= last:
                scope.reschedule(loop.time())
            else:
                timers[:] = [loop.call_later(seconds / SLICES, end_slice)]

        timers.append(loop.call_later(seconds / SLICES, end_slice))
        try:
            yield scope
        finally:
            timers[0].cancel()


async def tried(ask: Callable[[], Awaitable[T]], each: float, deadline: Deadline) -> T:
    """The answer of `ask`, asked again until `deadline` while it is only slow; each try has `each` seconds.

    Raises Slow when no try was answered in time, and every other error of `ask` at once.
    """
    tries = 0
    while True:
        tries += 1
        seconds = min(each, deadline.remaining()) if tries > 1 else each
        try:
            async with fair_timeout(seconds):
                return await ask()
        except (TimeoutError, Slow) as error:
            if deadline.passed:
                words = error.message if isinstance(error, Slow) else f"no answer within {seconds:.3g} s"
                raise Slow(words if tries == 1 else f"{words}, asked {tries} times") from error
            await asyncio.sleep(min(PAUSE_SECONDS, deadline.remaining()))
