"""What a desk keeps up to date in the background: snapshots, the ledger's news, and the facts of the way back."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from actions.desk.beside import Beside
from actions.desk.ledger_door import LedgerDoor, either
from actions.desk.way_back import WayBack
from actions.health import Poller
from actions.health.readiness import readiness
from actions.model.errors import LedgerError, Unreachable
from actions.model.health import Snapshot
from actions.model.plan import Readiness, RollbackOffer, RollbackRequest
from actions.model.supervised import Supervised
from actions.model.way_back import RollbackFacts
from actions.platforms.access import Access
from actions.procedures.offer import offer
from actions.releases.gather import candidates, default_service, gather

FIRST_SECONDS = 4.0
"""Longest that planning waits for the first snapshot; without one it plans without health."""

SNAPSHOT_SECONDS = 20.0


class Watching:
    """The background work of one desk; made anywhere, used on the desk's loop. Polling begins when first asked for."""

    def __init__(self, access: Access, ledger: LedgerDoor) -> None:
        self.access = access
        self.ledger = ledger
        self._poller: Poller | None = None
        self._polling_task: asyncio.Task[None] | None = None
        self._puts: list[Callable[[Snapshot], None]] = []
        self._first = asyncio.Event()
        self._complete = asyncio.Event()
        self.latest: Snapshot | None = None
        self.beside = Beside()
        self.offered: Callable[[], Coroutine[Any, Any, None]] | None = None
        kept = candidates(access.environment)
        self.way_back = WayBack(self._gather, [RollbackRequest(environment=access.name, service=one) for one in kept])
        self._background = (
            Supervised("watching the ledger", ledger.watch),
            Supervised("keeping rollbacks ready", self.way_back.live),
            Supervised("taking in news of the ledger", self._poke),
        )

    def begin(self) -> None:
        """Watch the ledger; the rest begins when it is asked for."""
        self._background[0].start()

    @property
    def problem(self) -> str:
        """Why work in the background stopped, for as long as it has not run well again; empty when all is well."""
        return next((one.problem for one in self._background if one.problem), "")

    async def end(self) -> None:
        """Stop everything."""
        polling = [self._polling_task] if self._polling_task is not None else []
        for task in polling:
            task.cancel()
        await asyncio.gather(self.beside.end(), *(one.stop() for one in self._background))
        await asyncio.gather(*polling, return_exceptions=True)
        if self._poller is not None:
            await self._poller.close()

    async def feed(self, put: Callable[[Snapshot], None]) -> None:
        """Hand every snapshot to `put`, the newest at once; runs until cancelled, or until polling itself fails."""
        polling = self.poll()
        self._keep_ready()
        if self.latest is not None:
            put(self.latest)
        self._puts.append(put)
        try:
            await asyncio.shield(polling)
        finally:
            self._puts.remove(put)

    async def first_snapshot(self, *, complete: bool = False) -> Snapshot:
        """The newest snapshot; waits for the first, or for the first in which every source was tried.

        Raises Unreachable when none came within `SNAPSHOT_SECONDS`.
        """
        polling = self.poll()
        arrived = asyncio.ensure_future((self._complete if complete else self._first).wait())
        await asyncio.wait({polling, arrived}, timeout=SNAPSHOT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        arrived.cancel()
        if polling.done():
            await polling
        if self.latest is None:
            raise Unreachable(f"no health of '{self.access.name}' came in within {SNAPSHOT_SECONDS:.0f} s")
        return self.latest

    async def readiness(self, request: RollbackRequest) -> Readiness:
        """From the kept facts; a source that fails is a failed check, not an error. Raises UnknownNameError."""
        return readiness(await self.way_back.facts(self.named(request)))

    async def offer(self, request: RollbackRequest) -> RollbackOffer:
        """From the kept facts. Raises UnknownNameError for a service nobody knows, LedgerError on a damaged ledger."""
        if self.ledger.problem:
            raise LedgerError(self.ledger.problem)
        if self.offered is not None:
            await self.offered()
        return offer(request, await self.way_back.facts(self.named(request)))

    def named(self, request: RollbackRequest) -> RollbackRequest:
        """`request` with its service by name. Raises UnknownNameError where one has to be named."""
        if request.service is not None:
            return request
        return request.model_copy(update={"service": default_service(self.access.environment, self.access.name)})

    def poll(self) -> "asyncio.Task[None]":
        """The polling, begun now unless it runs; where it ended with an error, which its feeds met, it begins again."""
        if self._poller is None:
            self._poller = Poller(self.access.name, self.access.environment, self.access)
        if self._polling_task is None or self._polling_task.done():
            self._polling_task = asyncio.create_task(self._polling(self._poller), name="poller")
        return self._polling_task

    def _keep_ready(self) -> None:
        for one in self._background:
            one.start()

    async def _polling(self, poller: Poller) -> None:
        async for snapshot in poller.snapshots():
            moved = self.latest is None or _states(snapshot) != _states(self.latest)
            self.latest = snapshot
            self._first.set()
            if all(one.attempted_at is not None for one in snapshot.services):
                self._complete.set()
            if moved:
                self.way_back.poke(moved=True)
            for put in list(self._puts):
                put(snapshot)
            self.beside.hand(snapshot)

    async def _poke(self) -> None:
        """A verdict or a note of the ledger moves nothing; a run does, and may have until its end is known."""
        running = True
        while True:
            news = self.ledger.changed.waiter()
            before, running = running, await self._runs()
            self.way_back.poke(moved=before or running)
            await news.wait()

    async def _runs(self) -> bool:
        try:
            return await self.ledger.read(lambda reader: reader.active(self.access.name), None) is not None
        except LedgerError:
            return True

    async def _gather(self, request: RollbackRequest, within: float, seconds: float) -> RollbackFacts:
        self.poll()
        ledger, problem = self.ledger.facts, self.ledger.problem
        facts = await gather(
            self.access, ledger, request=request, snapshot=self._first_health, within=within, seconds=seconds
        )
        return facts.model_copy(update={"ledger_problem": problem}) if problem else facts

    async def _first_health(self) -> Snapshot | None:
        """The newest snapshot; of one that does not know every source yet, the complete one is waited for."""
        await either(self._complete, FIRST_SECONDS)
        return self.latest


def _states(snapshot: Snapshot) -> list[tuple[str, str, str | None]]:
    return [(one.service, one.shown_word, one.version) for one in snapshot.services]
