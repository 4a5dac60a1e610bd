"""Timeouts that do not count the time in which this process could not run.

On an overloaded host an answer may lie in the socket while this process waits for the processor. A plain timeout that
expires meanwhile cancels the reading before it could look, and blames the other side for it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SLICES = 4
"""A wait is cut into so many slices; a slice that ends late, because this process did not run, counts as one."""

MOST = 6.0
"""No wait takes longer than so many times its seconds, however late this process is."""


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
