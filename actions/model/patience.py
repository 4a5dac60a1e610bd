"""Timeouts that do not count the time in which this process could not run.

On an overloaded host an answer may lie in the socket while this process waits for the processor. A plain timeout that
expires meanwhile cancels the reading before it could look, and blames the other side for it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from actions.model.errors import Slow
from actions.model.waiting import Deadline

T = TypeVar("T")

TICK_SECONDS = 0.05
"""How often `OwnTime` looks whether this process runs."""

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


class OwnTime:
    """A clock that stands still while this process does not run: what it misses is not held against others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._missed = 0.0
        self._next = float("inf")

    def now(self) -> float:
        """The monotonic clock less all the time in which this process wanted to run and could not."""
        return self.clock() - self._missed - self._late()

    def _late(self) -> float:
        return max(0.0, self.clock() - self._next)

    async def run(self) -> None:
        """Count until cancelled."""
        try:
            while True:
                self._next = self.clock() + TICK_SECONDS
                await asyncio.sleep(TICK_SECONDS)
                self._missed += self._late()
        finally:
            self._next = float("inf")


class FairDeadline(Deadline):
    """Seconds by `OwnTime`, and never more than `MOST` times as many by the clock on the wall."""

    def __init__(self, seconds: float, own: OwnTime) -> None:
        super().__init__(seconds, own.now)
        self._last = Deadline(MOST * seconds, own.clock)

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return min(super().remaining(), self._last.remaining())
