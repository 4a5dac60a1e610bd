"""Drills at a desk: break, watch the clock points, score, mend. The rollback itself is the real one."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from actions.drills.scenarios import find
from actions.drills.score import score
from actions.model.errors import Busy, Refused, UnknownNameError
from actions.model.health import Snapshot
from actions.model.identity import new_id, short_id
from actions.model.record import ChangeNote, Drill
from actions.model.run import RunView
from actions.model.views import Scenario
from actions.model.words import HealthState, RunState

if TYPE_CHECKING:
    from actions.desk.operator import Operator

RED = (HealthState.DEGRADED, HealthState.DOWN)
FROM_THE_RUN = ("acted", "moved", "recovered")


class Rehearsals:
    """The drill that is open in this environment, if any. Clock points are kept in the ledger as they happen."""

    def __init__(self, desk: "Operator") -> None:
        self._desk = desk
        self._open: Drill | None = None
        self._changing = asyncio.Lock()
        self._version: str | None = None

    async def begin(self) -> None:
        """Take up a drill that another console left open."""
        if self._desk.environment.drill:
            drills = await self._drills()
            self._open = next((one for one in drills if one.ended_at is None), None)

    async def start(self, name: str) -> Drill:
        """Inject the fault of that scenario. Raises Refused where drills are not allowed, Busy while one is open."""
        directory = self._allowed()
        scenario = find(name)
        await self._free()
        drill = Drill(
            id=new_id(),
            environment=self._desk.environment_name,
            scenario=scenario.id,
            operator=self._desk.operator,
            started_at=datetime.now(UTC),
        )
        await self._keep(drill)
        await self._note(drill, f"drill {scenario.id} begun")
        from actions.sandbox.stack import break_

        health = self._desk.watching.latest.service(scenario.service) if self._desk.watching.latest else None
        self._version = health.version if health is not None else None
        try:
            fault = await asyncio.to_thread(break_, directory, scenario.fault)
        except BaseException:
            await self._change(drill, {"ended_at": datetime.now(UTC), "remarks": ("not begun",)})
            raise
        return await self._point(drill, "injected", datetime.fromtimestamp(fault.at, UTC))

    async def observe(self, snapshot: Snapshot) -> None:
        """The first snapshot after the injection that shows the trouble is the detection."""
        drill = self._open
        if drill is None or "detected" in drill.points:
            return
        health = snapshot.service(find(drill.scenario).service)
        if health is None or health.state not in RED:
            return
        if health.version is not None and health.version == self._version:
            return  # a bad moment of what served before; the fault has not reached the users yet
        seen = health.attempted_at or snapshot.at
        if seen >= drill.points.get("injected", drill.started_at):
            await self._point(drill, "detected", seen)

    async def offered(self) -> None:
        """The operator looks at the rollback: the decision. Looking before the trouble shows decides nothing."""
        if self._open is not None and "detected" in self._open.points and "decided" not in self._open.points:
            await self._point(self._open, "decided", datetime.now(UTC))

    async def acting(self) -> bool:
        """Whether a run that is submitted now is part of a drill."""
        drill = self._open
        if drill is None:
            return False
        for name in ("detected", "decided"):
            if name not in drill.points:
                drill = await self._point(drill, name, datetime.now(UTC))
        return drill.ended_at is None

    async def acted(self, run_id: str) -> None:
        """The run of the open drill."""
        if self._open is not None:
            await self._change(self._open, {"run_id": run_id})

    async def end(self, drill_id: str) -> Drill:
        """Score and mend. Raises Busy while its run is under way, UnknownNameError for a drill nobody knows."""
        directory = self._allowed()
        drill = next((one for one in await self._drills() if one.id == drill_id), None)
        if drill is None:
            raise UnknownNameError(f"no drill '{short_id(drill_id)}' in '{self._desk.environment_name}'")
        if drill.ended_at is not None:
            return drill
        view = await asyncio.to_thread(self._desk.writer.view, drill.run_id) if drill.run_id else None
        if view is not None and not view.run.state.terminal:
            raise Busy(f"run {short_id(view.run.id)} of this drill is under way: wait for its end", run_id=view.run.id)
        judged = self._judge(find(drill.scenario), drill, view)
        from actions.sandbox.stack import mend

        await asyncio.to_thread(mend, directory)
        async with self._changing:
            await self._keep(judged)
        await self._note(judged, f"drill {judged.scenario} ended, score {judged.score}")
        return judged

    def _judge(self, scenario: Scenario, drill: Drill, view: RunView | None) -> Drill:
        points = dict(drill.points)
        if view is not None:
            points |= {name: view.clock[name] for name in FROM_THE_RUN if name in view.clock}
            points.setdefault("acted", view.run.created_at)
        lost = view.run.metrics.get("lost_writes") if view is not None else None
        found = score(
            scenario,
            points,
            self._desk.environment.budgets,
            succeeded=view is not None and view.run.state is RunState.SUCCEEDED,
            lost_writes=lost if isinstance(lost, int) else None,
        )
        return drill.model_copy(
            update={
                "ended_at": datetime.now(UTC),
                "points": points,
                "score": found.score,
                "passed": found.passed,
                "remarks": found.remarks,
            }
        )

    async def _free(self) -> None:
        desk = self._desk
        if self._open is not None:
            await self.begin()  # another console may have ended it
        if self._open is not None:
            raise Busy(
                f"drill '{self._open.scenario}' is open: end it first ('vq-tui drill {self._open.scenario} --end')"
            )
        active = await asyncio.to_thread(desk.writer.active, desk.environment_name)
        if active is not None:
            raise Busy(f"run {short_id(active.id)} holds '{desk.environment_name}': wait for its end", run_id=active.id)

    def _allowed(self) -> Path:
        environment = self._desk.environment
        if not environment.drill or environment.sandbox is None:
            raise Refused(
                f"'{self._desk.environment_name}' is not for drills: they need drill = true and the directory of an "
                "embedded stack ('vq-tui demo' has both)"
            )
        return environment.sandbox

    async def _point(self, drill: Drill, name: str, at: datetime) -> Drill:
        """A clock point, unless that one is known already."""
        return await self._change(drill, {}, {name: at})

    async def _change(
        self, drill: Drill, update: dict[str, object], points: dict[str, datetime] | None = None
    ) -> Drill:
        """What is on record of the drill, with this added: watch and operator change it at the same time, and another
        console may have ended it, which nothing takes back."""
        async with self._changing:
            known = next((one for one in await self._drills() if one.id == drill.id), drill)
            if known.ended_at is not None:
                self._open = None
                return known
            return await self._keep(known.model_copy(update=update | {"points": (points or {}) | known.points}))

    async def _drills(self) -> tuple[Drill, ...]:
        return await asyncio.to_thread(self._desk.writer.drills, self._desk.environment_name, 100)

    async def _keep(self, drill: Drill) -> Drill:
        await asyncio.to_thread(self._desk.writer.save_drill, drill)
        self._open = drill if drill.ended_at is None else None
        return drill

    async def _note(self, drill: Drill, text: str) -> None:
        note = ChangeNote(
            environment=drill.environment,
            at=datetime.now(UTC),
            kind="drill",
            subject=drill.scenario,
            text=text,
            by=self._desk.operator,
            run_id=drill.run_id,
        )
        await asyncio.to_thread(self._desk.writer.note_change, note)
