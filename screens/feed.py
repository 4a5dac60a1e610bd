"""Gathers what every screen looks at, beside the screens: the `Scene` is replaced whole when something came in.

A source that fails keeps its last value; its error is part of the scene. Nothing here waits on another source.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import datetime
from typing import Any

from actions.model.errors import Unreachable, VqError
from actions.model.record import RunQuery
from actions.model.words import HealthState
from screens.clock import Clock
from screens.desk_protocol import Viewer
from screens.scene import Scene

SLOW_EVERY = 3
"""Ticks between two looks at what changes slowly."""
RARE_EVERY = 6
"""Ticks after which the record is read again although nothing was written, so that damage on the disk is noticed."""
RECORDED = frozenset({"runs", "changes", "drills"})
"""Sources that only tell what was written down: nothing new without a commit."""
ANSWER_SECONDS = 10.0
"""Longer than any deadline of a source: a source that hangs all the same is lost, and what it told is shown as old."""

Look = Callable[[], Coroutine[Any, Any, None]]


class Feed:
    """Asks the desk again and again; `changed` gets each new scene on the loop that runs this."""

    def __init__(self, desk: Viewer, changed: Callable[[Scene], None], clock: Clock) -> None:
        self._desk = desk
        self._changed = changed
        self._clock = clock
        self._heard: dict[str, datetime] = {}
        self.scene = Scene()
        self._wake = asyncio.Event()
        self._looking: dict[Look, asyncio.Task[None]] = {}

    def hurry(self) -> None:
        """Look again now: something was just asked for."""
        self._wake.set()

    async def watch_health(self) -> None:
        """Follow the snapshots for ever; a broken stream is opened again."""
        while True:
            try:
                async for snapshot in self._desk.snapshots():
                    self._merge("health", snapshot=snapshot)
            except VqError as error:
                self._fail("health", error)
            await asyncio.sleep(self._desk.environment.interval)

    async def watch_ledger(self) -> None:
        """Ask for what was written down when something was, and for what changes slowly every few ticks, for ever."""
        tick, read = 0, -1
        try:
            while True:
                news, hurried = self._desk.ledger_version, self._wake.is_set()
                self._wake.clear()
                asked: list[Look] = []
                if news != read or hurried or self._unsettled() or tick % RARE_EVERY == 0:
                    asked += [self._runs, self._changes, self._drill]
                if tick % SLOW_EVERY == 0 or hurried or self._unwell():
                    asked.append(self._readiness)
                if tick % SLOW_EVERY == 0 or hurried:
                    asked += [self._keeper, self._waiting]
                tick, read = tick + 1, news if await self._ask(asked) else -1
                await self._next_tick()
        finally:
            for task in self._looking.values():
                task.cancel()

    async def _ask(self, looks: list[Look]) -> bool:
        """Ask all that have no question under way; one that is slow keeps nobody from being asked again.

        Returns whether each was asked: one whose answer is still to come may answer what was so before.
        """
        late = [look for look in looks if look in self._looking]
        for look in looks:
            if look not in self._looking:
                self._looking[look] = asyncio.create_task(look())
        if self._looking:
            await asyncio.wait(self._looking.values(), timeout=self._desk.environment.interval)
        ended = [look for look, task in self._looking.items() if task.done()]
        for task in [self._looking.pop(look) for look in ended]:
            task.result()
        return not late

    def _unsettled(self) -> bool:
        """Whether the record may tell more without a commit: executors die silently, a lost source comes back."""
        return self.scene.active is not None or not RECORDED.isdisjoint(self.scene.errors)

    def _unwell(self) -> bool:
        """Whether something is not well: the way back is then looked at as often as health."""
        snapshot, now = self.scene.snapshot, self._clock.now()
        return snapshot is not None and any(one.shown_state(now) is not HealthState.OK for one in snapshot.services)

    async def _next_tick(self) -> None:
        try:
            async with asyncio.timeout(self._desk.environment.interval):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _runs(self) -> None:
        async def look() -> dict[str, Any]:
            active = await self._desk.active()
            view = await self._desk.run(active.id) if active else None
            page = await self._desk.runs(RunQuery(environment=self._desk.environment_name, limit=2))
            ended = [run for run in page.runs if active is None or run.id != active.id]
            return {"active": active, "active_view": view, "last": ended[0] if ended else None, "asked": True}

        await self._look("runs", look)

    async def _readiness(self) -> None:
        async def look() -> dict[str, Any]:
            return {"readiness": await self._desk.readiness()}

        services = self._desk.rollback_services
        if len(services) > 1:
            await asyncio.gather(*map(self._way, services))
        else:
            await self._look("readiness", look)

    async def _way(self, service: str) -> None:
        async def look() -> dict[str, Any]:
            found = await self._desk.readiness(service)
            return {"ways": self.scene.ways | {service: found}}

        await self._look(f"readiness {service}", look)

    async def _changes(self) -> None:
        async def look() -> dict[str, Any]:
            return {"changes": await self._desk.changes(20)}

        await self._look("changes", look)

    async def _keeper(self) -> None:
        async def look() -> dict[str, Any]:
            return {"keeper": await self._desk.keeper()}

        await self._look("keeper", look)

    async def _waiting(self) -> None:
        async def look() -> dict[str, Any]:
            return {"waiting": await self._desk.waiting()}

        await self._look("waiting", look)

    async def _drill(self) -> None:
        async def look() -> dict[str, Any]:
            drills = await self._desk.drills()
            return {"drill": next((one for one in drills if one.ended_at is None), None)}

        await self._look("drills", look)

    async def _look(self, name: str, look: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                found = await look()
        except TimeoutError:
            self._fail(name, Unreachable(f"no answer within {ANSWER_SECONDS:.0f} s"))
        except VqError as error:
            self._fail(name, error)
        else:
            self._merge(name, **found)

    def _merge(self, name: str, **found: Any) -> None:
        self._heard[name] = self._clock.now()
        errors = {key: text for key, text in self.scene.errors.items() if key != name}
        heard = {key: at for key, at in self.scene.heard.items() if key != name}
        self._publish(replace(self.scene, errors=errors, heard=heard, **found))

    def _fail(self, name: str, error: VqError) -> None:
        errors = {**self.scene.errors, name: error.message}
        heard = {key: self._heard[key] for key in errors if key in self._heard}
        self._publish(replace(self.scene, errors=errors, heard=heard))

    def _publish(self, scene: Scene) -> None:
        scene = replace(scene, trouble=self._desk.trouble, unwatched=self._desk.unwatched)
        if scene != self.scene:
            self.scene = scene
            self._changed(scene)
