"""Work that each new snapshot sets off, beside the polling of health: however long it takes, health goes on."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from actions.model.errors import VqError
from actions.model.health import Snapshot

Watcher = Callable[[Snapshot], Coroutine[Any, Any, None]]
log = logging.getLogger(__name__)


class Beside:
    """Hands snapshots to the watchers in a task of its own: never two at once, and of those waiting the newest only."""

    def __init__(self) -> None:
        self.watchers: list[Watcher] = []
        self.problem = ""
        """Why the last snapshot was not watched as it should have been; empty when it was."""
        self._newest: Snapshot | None = None
        self._task: asyncio.Task[None] | None = None

    def hand(self, snapshot: Snapshot) -> None:
        """Take in a snapshot; returns at once."""
        if not self.watchers:
            return
        self._newest = snapshot
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch(), name="watchers")

    async def end(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while (snapshot := self._newest) is not None:
            self._newest = None
            problems = [await _told(watcher, snapshot) for watcher in self.watchers]
            self.problem = next(filter(None, problems), "")


async def _told(watcher: Watcher, snapshot: Snapshot) -> str:
    """What went wrong there, in words. An error of our own is said as such: it ends neither this nor health."""
    try:
        await watcher(snapshot)
    except VqError as error:
        return error.message
    except Exception as error:
        log.exception("a watcher failed")
        return f"an error of this program, not of the system: {type(error).__name__}: {error}"
    return ""
