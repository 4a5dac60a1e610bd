"""Waiting for a condition with a deadline: every wait in the product goes through here."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from actions.model.errors import Unreachable, VerifyFailed
from actions.model.fair_timeout import fair_timeout

T = TypeVar("T")


class Deadline:
    """A point on the monotonic clock, so that a jump of the wall clock moves nothing."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.seconds = seconds
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - self._clock())

    def part(self, seconds: float) -> "Deadline":
        """A deadline from now on, by the same clock."""
        return Deadline(seconds, self._clock)

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self.remaining() <= 0


async def until(
    observe: Callable[[], Awaitable[T]],
    satisfied: Callable[[T], bool],
    deadline: Deadline,
    describe: Callable[[T], str],
    *,
    every: float = 0.1,
    lost: Callable[[str], None] = lambda _: None,
) -> T:
    """Poll `observe` until `satisfied`; raises VerifyFailed with the last observation when the deadline passes.

    Who does not answer now may answer at the next look: only the deadline makes silence a verdict. `lost` is told once
    for each time that it falls silent. Every other error of `observe` is final.
    """
    last, silent = "nothing was observed", False
    while True:
        try:
            async with fair_timeout(max(deadline.remaining(), 0.001)):
                seen = await observe()
        except TimeoutError:
            raise VerifyFailed(f"not observed within {deadline.seconds:.0f} s: {last}") from None
        except Unreachable as error:
            last = error.message
            if not silent:
                lost(last)
            silent = True
        else:
            if satisfied(seen):
                return seen
            last, silent = describe(seen), False
        if deadline.passed:
            raise VerifyFailed(f"not observed within {deadline.seconds:.0f} s: {last}")
        await asyncio.sleep(min(every, max(deadline.remaining(), 0.001)))
