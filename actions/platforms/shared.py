"""One question for everybody who asks at the same time: health, the release watch and plans share what is observed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

from actions.model.errors import Slow
from actions.model.patience import fair_timeout

T = TypeVar("T")

LONGEST_SECONDS = 30.0
"""Drivers bound their own reading; this only keeps one that does not from holding up everybody behind it."""


class SharedReading(Generic[T]):
    """The readings of one source. Never more than one question is under way.

    Whoever wants an answer of now, while an earlier question is under way, shares the next one with all others who
    wait for it. A caller that gives up takes nothing from the others.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._latest: tuple[float, T] | None = None
        self._remembered: tuple[float, T] | None = None
        self._under_way: tuple[float, asyncio.Task[T]] | None = None
        self._next: asyncio.Task[T] | None = None

    async def get(self, within: float = 0.0) -> T:
        """The source's answer to a question asked at most `within` seconds before this call.

        Raises what reading raises; an answer from before a failure is not given again by this method.
        """
        now = self._clock()
        if self._latest is not None and now - self._latest[0] <= within:
            return self._latest[1]
        current = self._under_way
        if current is not None and now - current[0] <= within:
            return await asyncio.shield(current[1])
        if current is None and self._next is None:
            task = self._task(self._ask(now))
            self._under_way = now, task
            return await asyncio.shield(task)
        if self._next is None:
            assert current is not None
            self._next = self._task(self._after(current[1]))
        return await asyncio.shield(self._next)

    def remembered(self, within: float) -> tuple[float, T] | None:
        """Age and content of the last answer, however the source fares since; None when older than `within`."""
        if self._remembered is None:
            return None
        age = self._clock() - self._remembered[0]
        return (age, self._remembered[1]) if age <= within else None

    async def close(self) -> None:
        """End the questions under way."""
        tasks = [one for one in (self._next, self._under_way and self._under_way[1]) if one is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _task(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.create_task(work)
        task.add_done_callback(_retrieve)
        return task

    async def _ask(self, began: float) -> T:
        try:
            async with fair_timeout(LONGEST_SECONDS):
                answer = await self._read()
        except TimeoutError:
            self._latest = None
            raise Slow(f"no answer within {LONGEST_SECONDS:.0f} s") from None
        except BaseException:
            self._latest = None
            raise
        finally:
            self._under_way = None
        self._latest = self._remembered = began, answer
        return answer

    async def _after(self, earlier: "asyncio.Task[T]") -> T:
        await asyncio.wait({earlier})
        now, task = self._clock(), self._next
        assert task is not None
        self._next, self._under_way = None, (now, task)
        return await self._ask(now)


def _retrieve(task: "asyncio.Task[Any]") -> None:
    """Take the exception of a task whose callers may all have left."""
    if not task.cancelled():
        task.exception()
