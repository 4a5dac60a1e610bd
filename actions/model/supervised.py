"""A background task that does not die silently: a failure is logged, shown as `problem`, and the work begins again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from actions.model.errors import VqError
from actions.model.waiting import Deadline

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
SETTLED_SECONDS = 5.0
"""Work that has begun again and runs for so long is well: `problem` is empty again."""

log = logging.getLogger(__name__)


def describe(error: BaseException) -> str:
    """An error in one line. One that is no VqError is a fault of this program, and is said to be one."""
    if isinstance(error, VqError):
        return error.message
    return f"an error of this program, not of the system: {type(error).__name__}: {error}"


def _log(text: str, error: BaseException) -> None:
    log.error("%s", text, exc_info=error)


class Supervised:
    """Runs `work` until it returns or `stop` is called; starts it again, with growing pauses, each time it raises.

    `changed` is called with each new `problem`, and with the empty one once the work is well again; `report` with each
    failure, to log it: where errors may hold secrets, both are given words and a log of their own. Use it on one loop.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        *,
        changed: Callable[[str], None] | None = None,
        words: Callable[[BaseException], str] = describe,
        report: Callable[[str, BaseException], None] = _log,
        first_pause: float = FIRST_PAUSE_SECONDS,
        longest_pause: float = LONGEST_PAUSE_SECONDS,
        settled: float = SETTLED_SECONDS,
    ) -> None:
        self.name = name
        self.problem = ""
        """Why the work stopped last, for as long as it has not run well since."""
        self._work = work
        self._changed = changed
        self._words = words
        self._report = report
        self._pauses = first_pause, longest_pause
        self._settled = settled
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and neither stopped nor came to its end."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Start the work; nothing happens while it is running."""
        if not self.running:
            self._task = asyncio.create_task(self._supervise(), name=self.name)

    async def stop(self) -> None:
        """Cancel the work and wait for its end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def ended(self) -> None:
        """Wait until the work has returned or was stopped. A caller that is cancelled leaves it running."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _supervise(self) -> None:
        first, longest = self._pauses
        pause = first
        while True:
            well = Deadline(longest)
            error = await self._attempt()
            if error is None:
                self._say("")
                return
            pause = first if well.passed else pause
            problem = f"{self.name} stopped: {self._words(error)}"
            self._say(problem)
            self._report(f"{problem}; it begins again in {pause:.1f} s", error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    async def _attempt(self) -> BaseException | None:
        """Run the work once; the error it ended with, None when it returned. Only `stop` cancels it."""
        work = asyncio.ensure_future(self._work())
        try:
            done, _ = await asyncio.wait({work}, timeout=self._settled)
            if not done:
                self._say("")
                await asyncio.wait({work})
        finally:
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
        if work.cancelled():
            return asyncio.CancelledError("what it waited for was cancelled")
        return work.exception()

    def _say(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            if self._changed is not None:
                self._changed(problem)
