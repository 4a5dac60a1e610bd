"""A deterministic desk: fixed time, the world of the sketches, and a list of everything that was asked for."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actions.model.environment import Environment, Settings
from actions.model.errors import Stale, UnknownNameError, VqError
from actions.model.health import Check, Snapshot
from actions.model.plan import Level, Readiness, Release, RollbackOffer, RollbackRequest
from actions.model.record import AuditReport, ChangeNote, Drill, GateRow, KeeperFacts, RunPage, RunQuery, Submitted
from actions.model.run import Executor, Run, RunView
from actions.model.views import LogCounts, Scenario, SlotView
from actions.model.words import Command
from tests.fakes import facts


class FixedClock:
    """Time that moves only when told to."""

    def __init__(self, now: datetime = facts.NOW) -> None:
        self._now = now
        self._monotonic = 1_000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def pass_seconds(self, seconds: float) -> None:
        """Only the stop watch moves; the face of the clock stays, so that pictures stay the same."""
        self._monotonic += seconds

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self.pass_seconds(seconds)
        self._now += timedelta(seconds=seconds)


@dataclass
class World:
    """What the fake desk answers; tests change it."""

    name: str = "production"
    environment: Environment = field(default_factory=facts.environment)
    snapshot: Snapshot | None = field(default_factory=facts.snapshot)
    readiness: Readiness = field(default_factory=facts.readiness)
    offer: RollbackOffer | VqError = field(default_factory=facts.offer)
    accepted: RollbackOffer | None = None
    """What is offered to whoever accepts drift, where that is something else."""
    releases: tuple[Release, ...] = field(default_factory=facts.releases)
    slots: tuple[SlotView, ...] = field(default_factory=facts.slots)
    log: tuple[str, ...] = field(default_factory=facts.log_lines)
    counts: LogCounts = field(default_factory=facts.counts)
    changes: tuple[ChangeNote, ...] = field(default_factory=facts.changes)
    runs: tuple[Run, ...] = field(default_factory=lambda: (facts.last_run(),))
    views: dict[str, RunView] = field(default_factory=dict)
    active: Run | None = None
    executor: Executor = field(default_factory=lambda: Executor(state="alive", pid=4121, host="bastion-1", token=14))
    gates: tuple[GateRow, ...] = ()
    keeper: KeeperFacts = field(default_factory=facts.keeper)
    drills: tuple[Drill, ...] = field(default_factory=facts.drills)
    scenarios: tuple[Scenario, ...] = field(default_factory=facts.scenarios)
    submitted: Submitted | VqError = field(default_factory=lambda: Submitted(run_id=facts.RUN, created=True))
    operator: str = "mira"
    host: str = "bastion-1"
    start_error: VqError | None = None
    services: tuple[str, ...] = ("api",)
    """Those that could be rolled back; where there are several, `ways` holds the way back of each."""
    ways: dict[str, Readiness | VqError] = field(default_factory=dict)
    trouble: str = ""
    waiting: str = ""
    unwatched: str = ""
    ledger_version: int | None = None
    ledger_error: VqError | None = None
    """While set, everything that the ledger tells raises it."""

    def ledger(self) -> None:
        """Raises what is wrong with the ledger."""
        if self.ledger_error is not None:
            raise self.ledger_error

    def show(self, view: RunView) -> None:
        """A run is there, and under way if its state says so."""
        self.views[view.run.id] = view
        self.active = view.run if view.run.state.active else None
        self.runs = (view.run, *(run for run in self.runs if run.id != view.run.id))


class FakeViewer:
    """Reads only: it has no method that could change anything."""

    read_only = True

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.calls: list[tuple[object, ...]] = []
        self.changed = asyncio.Event()
        self._news = itertools.count()
        self.asked: list[RunQuery] = []

    @property
    def settings(self) -> Settings:
        return facts.settings(self.world.name, self.world.environment)

    @property
    def environment_name(self) -> str:
        return self.world.name

    @property
    def environment(self) -> Environment:
        return self.world.environment

    @property
    def operator(self) -> str:
        return self.world.operator

    @property
    def host(self) -> str:
        return self.world.host

    @property
    def rollback_services(self) -> tuple[str, ...]:
        return self.world.services

    @property
    def trouble(self) -> str:
        return self.world.trouble or (self.world.ledger_error.message if self.world.ledger_error else "")

    @property
    def unwatched(self) -> str:
        return self.world.unwatched

    @property
    def ledger_version(self) -> int:
        """Tests change the world behind the desk's back: unless they say otherwise, there is always something new."""
        return self.world.ledger_version if self.world.ledger_version is not None else next(self._news)

    def touch(self) -> None:
        """Wake the followers: the world has changed."""
        self.changed.set()
        self.changed = asyncio.Event()

    async def start(self) -> None:
        if self.world.start_error is not None:
            raise self.world.start_error

    async def close(self) -> None:
        self.calls.append(("close",))

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        while True:
            if self.world.snapshot is not None:
                yield self.world.snapshot
            await self.changed.wait()

    async def readiness(self, service: str | None = None) -> Readiness:
        found = self.world.ways.get(service or "", self.world.readiness)
        if isinstance(found, VqError):
            raise found
        return found

    async def offer(self, request: RollbackRequest) -> RollbackOffer:
        self.calls.append(("offer", request.level, request.to))
        self.world.ledger()
        if isinstance(self.world.offer, VqError):
            raise self.world.offer
        if request.accept_drift and self.world.accepted is not None:
            return self.world.accepted
        if request.level is Level.MANUAL and self.world.offer.plan is not None and request.to is not None:
            plan = facts.plan(Level.MANUAL, request.to).model_copy(update={"reason": request.reason or "as measured"})
            return self.world.offer.model_copy(update={"plan": plan})
        way = self.world.ways.get(request.service or "")
        if isinstance(way, Readiness) and self.world.offer.plan is not None:
            plan = self.world.offer.plan.model_copy(
                update={"service": way.service, "title": f"roll back {way.service}"}
            )
            return self.world.offer.model_copy(update={"plan": plan, "readiness": way})
        return self.world.offer

    async def releases(self, service: str) -> tuple[Release, ...]:
        return self.world.releases

    async def slots(self, service: str) -> tuple[SlotView, ...]:
        return self.world.slots

    async def log_tail(self, service: str, slot: str, instance: str, lines: int = 200) -> tuple[str, ...]:
        return self.world.log[-lines:]

    async def log_counts(self, service: str) -> LogCounts:
        return self.world.counts

    async def runs(self, query: RunQuery) -> RunPage:
        self.asked.append(query)
        self.world.ledger()
        found = [
            run for run in self.world.runs if query.text.lower() in f"{run.id} {run.reason} {run.operator}".lower()
        ]
        found = [run for run in found if not query.states or run.state.value in query.states]
        at = next((i + 1 for i, run in enumerate(found) if run.id == query.before), 0) if query.before else 0
        at += next((i for i, run in enumerate(found) if run.id == query.upto), 0) + query.offset
        return RunPage(runs=tuple(found[at : at + query.limit]), total=len(found))

    async def run(self, run_id: str) -> RunView:
        self.world.ledger()
        if run_id in self.world.views:
            return self.world.views[run_id]
        found = next((run for run in self.world.runs if run.id == run_id), None)
        if found is None:
            raise UnknownNameError(f"no run '{run_id}'")
        return facts.ended_view().model_copy(update={"run": found})

    async def follow(self, run_id: str) -> AsyncIterator[RunView]:
        while True:
            view = await self.run(run_id)
            yield view
            if not view.run.state.active:
                return
            await self.changed.wait()

    async def executor(self, run_id: str) -> Executor:
        self.world.ledger()
        return self.world.executor

    async def active(self) -> Run | None:
        self.world.ledger()
        return self.world.active

    async def gates(self, run_id: str) -> tuple[GateRow, ...]:
        self.world.ledger()
        return self.world.gates

    async def changes(self, limit: int = 20) -> tuple[ChangeNote, ...]:
        self.world.ledger()
        return self.world.changes[:limit]

    async def keeper(self) -> KeeperFacts:
        self.world.ledger()
        return self.world.keeper

    async def waiting(self) -> str:
        return self.world.waiting

    def glass_command(self, service: str | None = None, to: str | None = None) -> str:
        return f"vq-tui --env {self.world.name} rollback --to {to or 'VERSION'} --reason TEXT --break-glass"

    async def audit(self) -> AuditReport:
        self.world.ledger()
        return AuditReport(intact=True, events=1_204, head="9c1f" * 16)

    async def drills(self) -> tuple[Drill, ...]:
        self.world.ledger()
        return self.world.drills

    def scenarios(self) -> tuple[Scenario, ...]:
        return self.world.scenarios

    async def doctor(self) -> tuple[Check, ...]:
        return facts.checks()


class FakeOperator(FakeViewer):
    """Also takes requests, and remembers them in `calls`."""

    read_only = False
    prepared = False

    async def prepare(self) -> None:
        self.prepared = True

    async def submit(self, request: RollbackRequest, expected_digest: str | None = None) -> Submitted:
        self.calls.append(("submit", request, expected_digest))
        if isinstance(self.world.submitted, VqError):
            raise self.world.submitted
        plan = (await self.offer(request)).plan
        if plan is None or plan.model_copy(update={"reason": request.reason}).digest != expected_digest:
            raise Stale("what was shown is no longer what would be done: look at the plan again")
        self.world.show(facts.run_view())
        self.touch()
        return self.world.submitted

    async def command(self, run_id: str, command: Command, reason: str = "") -> None:
        self.calls.append(("command", run_id, command, reason))

    async def answer(self, run_id: str, gate_id: str, answer: str) -> None:
        self.calls.append(("answer", run_id, gate_id, answer))

    async def resume(self, run_id: str) -> None:
        self.calls.append(("resume", run_id))

    async def take_over(self, run_id: str, reason: str = "", *, stop: bool = False) -> None:
        self.calls.append(("take_over", run_id, stop))

    async def close_run(self, run_id: str, reason: str) -> None:
        self.calls.append(("close_run", run_id, reason))

    async def start_keeper(self) -> None:
        self.calls.append(("start_keeper",))
        self.world.keeper = facts.keeper(alive=True)

    async def stop_keeper(self) -> None:
        self.calls.append(("stop_keeper",))
        self.world.keeper = facts.keeper()

    async def start_drill(self, scenario: str) -> Drill:
        self.calls.append(("start_drill", scenario))
        drill = Drill(id="D3", environment=self.world.name, scenario=scenario, operator="mira", started_at=facts.NOW)
        self.world.drills = (drill, *self.world.drills)
        return drill

    async def end_drill(self, drill_id: str) -> None:
        self.calls.append(("end_drill", drill_id))
        self.world.drills = tuple(
            replace_drill(drill) if drill.id == drill_id else drill for drill in self.world.drills
        )

    @property
    def written(self) -> list[tuple[object, ...]]:
        """Everything that would have changed something."""
        return [call for call in self.calls if call[0] not in ("offer", "close")]


def replace_drill(drill: Drill) -> Drill:
    return drill.model_copy(update={"ended_at": facts.NOW, "score": 80, "passed": True})
