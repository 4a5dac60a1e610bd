"""A small platform in memory behind the real protocols, with a real HTTP front, for tests of planning and steps.

`World` is what stands and serves; `FakeAccess` opens drivers on it. `world.crash` names effects at which the process
"dies": a `Crash` is raised right before (`before:replace`) or right after (`after:switch`) the effect, as a killed
executor would. `world.effects` counts each effect under its key, so that a test sees that nothing happened twice.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from actions.model.environment import Environment, Policy
from actions.model.errors import Refused, Stale, Unreachable, VerifyFailed
from actions.model.health import Check
from actions.model.plan import LeftBehind, Release
from actions.model.platform import (
    Artefact,
    Change,
    Evidence,
    Instance,
    InstanceState,
    Probe,
    TrafficFacts,
    WorkloadFacts,
)
from actions.model.record import ChangeNote, Drill
from actions.model.run import Event, Executor, Run
from actions.model.services import HttpService
from actions.model.waiting import Deadline, until
from actions.model.words import Gate, ProbeState
from actions.model.workloads import AddressWorkload, RouterTraffic, Slot
from actions.platforms.access import WriteAccess
from actions.platforms.protocols import Report


class Crash(BaseException):
    """The executor died here."""


def artefact(version: str, low: int | None = 40, high: int | None = 42) -> Artefact:
    return Artefact(version=version, reference=f"ref:{version}", minimum_schema=low, maximum_schema=high)


@dataclass
class Standing:
    """One slot."""

    artefact: Artefact
    at_hand: list[Artefact] = field(default_factory=list)
    replicas: int = 1
    ready: int = 1
    healthy: bool = True
    generation: int = 1
    keys: list[str] = field(default_factory=list)
    notes: tuple[Check, ...] = ()
    silent: str = ""
    rolling: str = ""
    history: list[tuple[str, Artefact]] = field(default_factory=list)
    broken_versions: set[str] = field(default_factory=set)

    @property
    def serves(self) -> bool:
        return self.healthy and self.artefact.version not in self.broken_versions


@dataclass
class World:
    """Slots, traffic, and what happened to them. `has_traffic` False is a plain service with the slot `main`."""

    slots: dict[str, Standing]
    shares: dict[str, float] = field(default_factory=dict)
    generation: str = "first"
    applied: list[str] = field(default_factory=lambda: ["first"])
    has_traffic: bool = True
    drift: str = ""
    traffic_silent: str = ""
    denied: str = ""
    in_flight: dict[str, int] = field(default_factory=dict)
    crash: set[str] = field(default_factory=set)
    effects: Counter[str] = field(default_factory=Counter)
    names_version: bool = True
    endpoint_status: int = 200
    missing: set[str] = field(default_factory=set)

    def effect(self, name: str, key: str) -> "Effect":
        return Effect(self, name, key)

    def serving(self) -> Standing:
        return self.slots[max(self.shares, key=lambda name: self.shares[name])]


class Effect:
    """Counts one effect and dies around it when told to."""

    def __init__(self, world: World, name: str, key: str) -> None:
        self.world, self.name, self.key = world, name, key

    def __enter__(self) -> None:
        self._die("before")

    def __exit__(self, *_: object) -> None:
        self.world.effects[self.key] += 1
        self._die("after")

    def _die(self, side: str) -> None:
        if f"{side}:{self.name}" in self.world.crash:
            self.world.crash.discard(f"{side}:{self.name}")
            raise Crash(f"{side}:{self.name}")


class FakeWorkload:
    """Reading half of one slot."""

    def __init__(self, world: World, slot: str) -> None:
        self.world, self.slot = world, slot

    async def observe(self) -> WorkloadFacts:
        standing = self.world.slots[self.slot]
        if standing.silent:
            raise Unreachable(standing.silent)
        state = InstanceState.RUNNING
        instances = tuple(
            Instance(
                id=f"{self.slot}-{number}",
                name=f"{self.slot}-{number}",
                state=state if number < standing.ready else InstanceState.STOPPED,
                version=standing.artefact.version,
                reference=standing.artefact.reference,
            )
            for number in range(standing.replicas)
        )
        return WorkloadFacts(
            observed_at=datetime.now(UTC),
            desired=standing.replicas,
            instances=instances,
            current=standing.artefact,
            pins={"generation": standing.generation},
            at_hand=tuple(one for one in standing.at_hand if one.version not in self.world.missing),
            notes=standing.notes,
            rolling=standing.rolling,
        )

    async def at_hand(self, wanted: Artefact) -> Check:
        standing = self.world.slots[self.slot]
        here = {
            one.reference for one in [standing.artefact, *standing.at_hand] if one.version not in self.world.missing
        }
        there = wanted.reference in here
        evidence = f"{wanted.version} on 1/1" if there else f"{wanted.version} is not on this host"
        return Check(id="artefact", title="image", gate=Gate.PASS if there else Gate.FAIL, evidence=evidence)

    async def permissions(self) -> tuple[Check, ...]:
        gate = Gate.FAIL if self.world.denied else Gate.PASS
        return (Check(id="permissions", title="patch", gate=gate, evidence=self.world.denied, advice="ask for it"),)

    async def plan_change(self, facts: WorkloadFacts, to: Artefact) -> tuple[Change, ...]:
        if (await self.at_hand(to)).gate is not Gate.PASS:
            raise Refused(f"{to.version} is not on this host")
        return (
            Change(
                slot=self.slot,
                action="replace",
                title=f"bring {to.version} into {self.slot}",
                subject=self.slot,
                before=facts.current.version if facts.current else "",
                after=to.version,
                params={"artefact": to.model_dump(mode="json"), "generation": facts.pins["generation"]},
            ),
        )

    async def log_tail(self, instance: str, lines: int) -> tuple[str, ...]:
        return (f"{instance} says nothing",)[:lines]

    async def close(self) -> None:
        return None


class FakeTraffic:
    """Reading half of the traffic driver."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def observe(self) -> TrafficFacts:
        if self.world.traffic_silent:
            raise Unreachable(self.world.traffic_silent)
        return TrafficFacts(
            observed_at=datetime.now(UTC),
            shares=dict(self.world.shares),
            configured=dict(self.world.shares),
            generation=self.world.generation,
            pins={"generation": self.world.generation},
            drift=self.world.drift,
        )

    async def permissions(self) -> tuple[Check, ...]:
        return (Check(id="permissions", title="switch", gate=Gate.PASS),)

    async def plan_switch(self, facts: TrafficFacts, shares: dict[str, float]) -> Change:
        return Change(
            slot=max(shares, key=lambda name: shares[name]),
            action="switch",
            title="switch traffic",
            subject="traffic",
            before=facts.serving or "",
            after=max(shares, key=lambda name: shares[name]),
            params={"shares": dict(shares), "before": dict(facts.shares), "generation": facts.pins["generation"]},
            expected_seconds=0.1,
        )

    async def in_flight(self, slot: str) -> int | None:
        left = self.world.in_flight.get(slot, 0)
        self.world.in_flight[slot] = max(0, left - 1)
        return left

    async def close(self) -> None:
        return None


class _Changer:
    def __init__(self, world: World) -> None:
        self.world = world

    async def manual(self, change: Change, folder: Path) -> tuple[str, ...]:
        return (f"bring {change.before} back into {change.subject}",)

    async def close(self) -> None:
        return None


class FakeWorkloadChanger(_Changer):
    """Writing half of one slot."""

    async def check(self, change: Change) -> Evidence:
        if self.world.slots[change.slot].generation != change.params["generation"]:
            raise Stale(f"{change.slot} changed since planning")
        return Evidence(text="as planned")

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence:
        (folder / f"{key}.json").write_text(self.world.slots[change.slot].artefact.model_dump_json())
        return Evidence(text="kept")

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        standing = self.world.slots[change.slot]
        with self.world.effect("replace", key):
            standing.history.append((key, standing.artefact))
            standing.artefact = Artefact.model_validate(change.params["artefact"])
            standing.generation += 1
            standing.keys.append(key)
            standing.ready = standing.replicas
        return Evidence(text=f"{change.before} → {change.after}")

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        standing = self.world.slots[change.slot]
        if standing.artefact.version != change.after:
            raise VerifyFailed(f"{standing.artefact.version} stands there")
        return Evidence(text=f"{change.slot} runs {change.after}")

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        standing = self.world.slots[change.slot]
        if key in standing.keys and f"{key}.undo" not in standing.keys:
            with self.world.effect("undo-replace", f"{key}.undo"):
                standing.artefact = Artefact.model_validate_json((folder / f"{key}.json").read_text())
                standing.keys.append(f"{key}.undo")
        return Evidence(text=f"{change.slot} runs {standing.artefact.version}")

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        done = key in self.world.slots[change.slot].keys
        return Probe(state=ProbeState.DONE if done else ProbeState.NOT_STARTED, evidence="by key")


class FakeTrafficChanger(_Changer):
    """Writing half of the traffic driver."""

    async def check(self, change: Change) -> Evidence:
        if self.world.generation != change.params["generation"]:
            raise Stale("traffic was switched since planning")
        return Evidence(text="as planned")

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence:
        return Evidence(text="kept")

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        with self.world.effect("switch", key):
            self._apply(key, change.params["shares"])
        return Evidence(text="switched")

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        async def look() -> str:
            return self.world.generation

        await until(look, lambda seen: seen == key, deadline, lambda seen: f"generation {seen}", every=0.01)
        return Evidence(text=f"{change.after} answers", data={"generation": key})

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        if self.world.generation == key:
            with self.world.effect("undo-switch", f"{key}.undo"):
                self._apply(f"{key}.undo", change.params["before"])
        return Evidence(text=f"{change.before} answers again")

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        if self.world.generation == key:
            return Probe(state=ProbeState.DONE, evidence="by generation")
        started = key in self.world.applied
        return Probe(state=ProbeState.UNKNOWN if started else ProbeState.NOT_STARTED, evidence="by generation")

    def _apply(self, generation: str, shares: object) -> None:
        assert isinstance(shares, dict)
        self.world.shares = {str(name): float(share) for name, share in shares.items()}
        self.world.generation = generation
        self.world.applied.append(generation)


class FakeAccess(WriteAccess):
    """Opens the drivers above in place of configured ones."""

    def __init__(self, environment: Environment, world: World, name: str = "production") -> None:
        super().__init__(name, environment)
        self.world = world

    def workload(self, service: str, slot: str) -> FakeWorkload:
        return FakeWorkload(self.world, slot)

    def traffic(self, service: str) -> FakeTraffic | None:
        return FakeTraffic(self.world) if self.world.has_traffic else None

    def workload_changer(self, service: str, slot: str) -> FakeWorkloadChanger:
        return FakeWorkloadChanger(self.world)

    def traffic_changer(self, service: str) -> FakeTrafficChanger:
        return FakeTrafficChanger(self.world)


@dataclass
class FakeLedger:
    """What releases, planning and steps ask of a ledger, in memory."""

    directory: Path
    rows: dict[str, Release] = field(default_factory=dict)
    notes: list[ChangeNote] = field(default_factory=list)
    queued: list[dict[str, object]] = field(default_factory=list)
    seconds: tuple[float, ...] = ()
    running: Run | None = None
    carried_out: str = "alive"
    rehearsals: tuple[Drill, ...] = ()
    left: dict[str, LeftBehind] = field(default_factory=dict)
    journal: list[Event] = field(default_factory=list)

    def events(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        return tuple(one for one in self.journal if one.run_id == run_id and one.seq > after)

    def left_behind(self, environment: str, service: str) -> dict[str, LeftBehind]:
        return self.left

    def releases(self, environment: str, service: str) -> tuple[Release, ...]:
        return tuple(sorted(self.rows.values(), key=lambda one: one.last_seen, reverse=True))

    def past_seconds(
        self, environment: str, service: str, procedure: str = "rollback", limit: int = 20
    ) -> tuple[float, ...]:
        return self.seconds[:limit]

    def active(self, environment: str) -> Run | None:
        return self.running

    def executor(self, run_id: str) -> Executor:
        return Executor(state=self.carried_out)

    def drills(self, environment: str, limit: int = 100) -> tuple[Drill, ...]:
        return self.rehearsals

    def save_release(self, release: Release, *, lift: bool = False) -> None:
        self.rows[release.reference] = release

    def note_change(self, note: ChangeNote) -> None:
        self.notes.append(note)

    def changes(self, environment: str, limit: int = 20) -> tuple[ChangeNote, ...]:
        return tuple(reversed(self.notes))[:limit]

    def queue_notice_once(
        self, environment: str, run_id: str, channel: str, text: str, body: dict[str, object]
    ) -> bool:
        notice: dict[str, object] = {"environment": environment, "run_id": run_id, "channel": channel, "text": text}
        if any(one == {**notice, "body": body} for one in self.queued):
            return False
        self.queued.append({**notice, "body": body})
        return True


@asynccontextmanager
async def front(world: World) -> AsyncIterator[dict[str, str]]:
    """Real addresses: `outside` answers by the shares, and each slot by itself."""
    servers: dict[str, asyncio.Server] = {}

    async def open_one(slot: str | None) -> asyncio.Server:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
                    writer.write(_answer(world, world.slots[slot] if slot else world.serving(), path))
                    await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            finally:
                writer.close()

        return await asyncio.start_server(connected, "127.0.0.1", 0)

    for name in [None, *world.slots]:
        servers[name or "outside"] = await open_one(name)
    try:
        yield {name: f"http://127.0.0.1:{one.sockets[0].getsockname()[1]}" for name, one in servers.items()}
    finally:
        for one in servers.values():
            one.close()


def _answer(world: World, standing: Standing, path: str) -> bytes:
    version = standing.artefact.version
    if standing.ready == 0:
        return b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
    status = (200 if standing.serves else 503) if path.startswith("/health") else world.endpoint_status
    body = json.dumps({"status": "ok", "path": path}).encode()
    named = f"X-Version: {version}\r\n" if world.names_version else ""
    return f"HTTP/1.1 {status} X\r\n{named}Content-Length: {len(body)}\r\n\r\n".encode() + body


def environment(addresses: dict[str, str], world: World, **policy: float) -> Environment:
    """An environment with one HTTP service `api` in front of the world."""
    rules = {"prove_seconds": 1.0, "drain_seconds": 0.5, "validation_seconds": 0.5} | policy
    slots = {
        name: Slot(workload=AddressWorkload(url=addresses[name]), url=addresses[name], address=f"{name}:80")
        for name in world.slots
    }
    shape: dict[str, object] = {"slots": slots, "traffic": RouterTraffic(admin="http://127.0.0.1:9")}
    if not world.has_traffic:
        shape = {"workload": AddressWorkload(url=addresses["main"])}
    service = HttpService(url=addresses["outside"], endpoints=("/api/queues", "/api/users"), **shape)
    return Environment(services={"api": service}, policy=Policy(**rules))
