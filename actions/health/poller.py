"""The clock of health: starts what is due, waits for nobody, and makes one immutable snapshot a tick."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from actions.clients.blocking import aside
from actions.clients.descriptors import make_room
from actions.health.instances import with_instances
from actions.health.planning import WORKLOAD_TICKS, plan_sources, row_order
from actions.health.side import SideFacts
from actions.health.source import Source
from actions.health.track import Track
from actions.model.environment import Environment
from actions.model.health import ServiceHealth, Snapshot
from actions.platforms.access import Access

AT_ONCE = 64
"""Looks under way at once among sources that answer; those that did not lately have as many places of their own."""
FIRST_SECONDS = 2.5
"""How long the first snapshot waits for everybody: clients are imported and connect; commands show only this one."""
MANY = 100
"""From so many sources on, the starts of a tick are spread, so that a sweep is no burst on processor and network."""


class Poller:
    """Watches one environment. Use one at a time of `snapshots` and `once`; `close` when done.

    `access` None leaves out instances and traffic. Its drivers are not closed here.
    """

    def __init__(
        self,
        name: str,
        environment: Environment,
        access: Access | None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._interval = environment.interval
        self._clock = clock
        self._monotonic = monotonic
        self._sides = {service: SideFacts() for service in environment.services}
        plans = plan_sources(environment, access, self._sides)
        self._sources = [Source(plan) for plan in plans]
        self._tracks = {row: Track(row, kind, plan.pace) for plan in plans for row, kind in plan.rows}
        self._order = row_order(environment, plans)
        self._lanes = (asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE))
        self._sequence = 0
        self._prepared = False
        self._closing = asyncio.Event()

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """One snapshot a tick until closed. A tick never waits for a source that was slow the time before."""
        await self._prepare()
        while not self._closing.is_set():
            began = self._monotonic()
            spread = self._interval / 2 if len(self._sources) > MANY else 0.0
            awaited = self._start(self._due(began), spread)
            if awaited:
                patience = 0.75 * self._interval if self._sequence else max(FIRST_SECONDS, self._interval)
                await asyncio.wait(awaited, timeout=patience)
            yield self._snapshot()
            rest = began + self._interval - self._monotonic()
            await self._until_closing(max(rest, 0.0))

    async def once(self) -> Snapshot:
        """Look at everything once, side sources first, and wait for all of it; every look is bounded."""
        await self._prepare()
        for fed in (False, True):
            batch = [source for source in self._sources if bool(source.plan.rows) is fed and not source.running]
            self._start(batch, 0.0)
            under_way = [source.task for source in self._sources if source.task is not None and source.running]
            if under_way:
                await asyncio.wait(under_way)
        return self._snapshot()

    async def close(self) -> None:
        """End every look and give the connections back."""
        self._closing.set()
        await asyncio.gather(*(source.close() for source in self._sources))

    async def _prepare(self) -> None:
        """Import clients and make probes aside, once, so that the first latencies measure services and not imports."""
        if self._prepared:
            return
        self._prepared = True
        make_room(2 * len(self._sources))
        try:
            async with asyncio.timeout(FIRST_SECONDS):
                await aside(("prepare", id(self)), self._make_probes)
        except TimeoutError:
            return  # each look makes its own probe then

    def _make_probes(self) -> None:
        for source in self._sources:
            source.prepare()

    def _due(self, now: float) -> list[Source]:
        # A tick may come a hair early; without slack a source would wait for the next one.
        return [source for source in self._sources if not source.running and source.due <= now + self._interval / 4]

    def _start(self, sources: list[Source], spread: float) -> list["asyncio.Task[None]"]:
        """Start a look of each, over `spread` seconds; returns the looks worth waiting for."""
        awaited = []
        patience = self._interval / 4
        for number, source in enumerate(sources):
            quick = source.seconds <= patience
            delay = spread * number / len(sources)
            source.started = self._monotonic()
            source.due = source.started + source.plan.pace
            source.task = asyncio.create_task(self._look(source, delay, quick), name=f"health {source.plan.name}")
            if quick:
                awaited.append(source.task)
        return awaited

    async def _look(self, source: Source, delay: float, quick: bool) -> None:
        if delay:
            await asyncio.sleep(delay)
        async with self._lanes[0 if quick else 1]:
            attempted, began = self._clock(), self._monotonic()
            readings = await source.look()
            source.seconds = self._monotonic() - began
            for row, reading in readings.items():
                self._tracks[row].merge(reading, attempted, self._clock())

    def _snapshot(self) -> Snapshot:
        self._sequence += 1
        now = self._monotonic()
        late = {row: source for source in self._sources if self._is_late(source, now) for row, _ in source.plan.rows}
        rows = tuple(self._row(row, late.get(row), now) for row in self._order)
        return Snapshot(environment=self._name, sequence=self._sequence, at=self._clock(), services=rows)

    def _row(self, row: str, late: Source | None, now: float) -> ServiceHealth:
        health = self._tracks[row].latest
        side = self._sides.get(row)
        if side is not None and side.slots:
            health = with_instances(health, side, now, 3 * WORKLOAD_TICKS * self._interval + 1)
        if late is not None and late.started is not None:
            health = health.model_copy(update={"error": f"no answer yet, asked {now - late.started:.0f} s ago"})
        return health

    def _is_late(self, source: Source, now: float) -> bool:
        return source.running and source.started is not None and now - source.started > self._interval

    async def _until_closing(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return
