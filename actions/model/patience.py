"""Waiting on a busy host: tries until a deadline, and deadlines by the time in which this process could run."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from actions.model.errors import Slow
from actions.model.fair_timeout import MOST, fair_timeout
from actions.model.waiting import Deadline

__all__ = ["MOST", "FairDeadline", "OwnTime", "fair_timeout", "tried"]

T = TypeVar("T")

TICK_SECONDS = 0.05
"""How often `OwnTime` looks whether this process runs."""

PAUSE_SECONDS = 0.1
"""Between two tries, so that one that fails at once is not repeated in a busy loop."""


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
