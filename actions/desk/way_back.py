"""The way back, kept ready: its facts are gathered over and over in the background, so that a key waits for nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from actions.desk.ledger_door import either
from actions.model.errors import VqError
from actions.model.plan import Level, RollbackRequest
from actions.model.way_back import RollbackFacts
from actions.releases.gather import PLAN_SECONDS, READ_SECONDS

Key = tuple[str | None, str | None, Level]

EVERY_SECONDS = 10.0
"""At rest; what changes in health or in the ledger has everything gathered at once."""

SHARED_SECONDS = 7.0
"""At rest, what health observed of the platforms that lately is good enough; health that moves has them asked."""

LEAST_SECONDS = 1.0
OLD_SECONDS = 15.0
"""Facts older than this are gathered again before they are shown."""

UNASKED_SECONDS = 30.0
"""A request nobody asked for that long is no longer kept ready; the emergency ones always are."""


class WayBack:
    """Facts of rollbacks by request, gathered once for whoever asks at the same time."""

    def __init__(
        self,
        gather: Callable[[RollbackRequest, float, float], Awaitable[RollbackFacts]],
        always: Sequence[RollbackRequest],
    ) -> None:
        self._gather = gather
        self._always = {_key(request): request for request in always}
        self._asked: dict[Key, tuple[float, RollbackRequest]] = {}
        self._kept: dict[Key, tuple[float, RollbackFacts]] = {}
        self._under_way: dict[Key, asyncio.Task[RollbackFacts]] = {}
        self._poked = asyncio.Event()
        self._moved = False

    def poke(self, *, moved: bool) -> None:
        """Something changed: gather again soon, with the platforms asked anew when what runs there may have `moved`."""
        self._moved |= moved
        self._poked.set()

    async def facts(self, request: RollbackRequest) -> RollbackFacts:
        """The kept facts when they are recent, else facts gathered now. Raises VqError when gathering does."""
        key = _key(request)
        self._asked[key] = time.monotonic(), request
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept[0] < OLD_SECONDS:
            return kept[1]
        return await self._gathered(request)

    async def fresh(
        self, request: RollbackRequest, within: float = 0.0, seconds: float = PLAN_SECONDS
    ) -> RollbackFacts:
        """Facts whose gathering began after this call; only what health observed `within` seconds before is kept."""
        facts = await self._gather(request, within, seconds)
        self._kept[_key(request)] = (time.monotonic(), facts)
        return facts

    async def live(self) -> None:
        """Keep everything ready that is asked for; runs until cancelled."""
        within = 0.0
        while True:
            work = (self._refresh(request, within) for request in self._wanted())
            for ended in await asyncio.gather(*work, return_exceptions=True):
                if isinstance(ended, BaseException):  # the others were gathered all the same
                    raise ended
            await asyncio.sleep(LEAST_SECONDS)
            await either(self._poked, EVERY_SECONDS - LEAST_SECONDS)
            within, self._moved = 0.0 if self._moved else SHARED_SECONDS, False
            self._poked.clear()

    async def _refresh(self, request: RollbackRequest, within: float) -> None:
        try:
            await self._gathered(request, within)
        except BaseException as error:
            # Whoever asks gathers again and is told; an old fact must not be shown in its place.
            self._kept.pop(_key(request), None)
            if not isinstance(error, VqError):
                raise

    async def _gathered(self, request: RollbackRequest, within: float = 0.0) -> RollbackFacts:
        key = _key(request)
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.ensure_future(self.fresh(request, within, READ_SECONDS))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(task)

    def _ended(self, key: Key, task: "asyncio.Task[RollbackFacts]") -> None:
        self._under_way.pop(key, None)
        if not task.cancelled():
            task.exception()  # taken here too: whoever asked may have been cancelled meanwhile

    def _wanted(self) -> list[RollbackRequest]:
        now = time.monotonic()
        self._asked = {key: (at, one) for key, (at, one) in self._asked.items() if now - at < UNASKED_SECONDS}
        return list((self._always | {key: one for key, (_, one) in self._asked.items()}).values())


def _key(request: RollbackRequest) -> Key:
    return request.service, request.to, request.level
