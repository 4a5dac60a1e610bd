"""Releases and facts for tests of choosing, planning and readiness."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from actions.model.environment import Budgets, Policy
from actions.model.health import Check, Figure, ServiceHealth
from actions.model.plan import Level, Release, RollbackRequest
from actions.model.platform import Artefact, Change, Instance, InstanceState, TrafficFacts, WorkloadFacts
from actions.model.services import HttpService
from actions.model.way_back import RollbackFacts, SlotFacts
from actions.model.words import Gate, HealthState, Verdict
from actions.model.workloads import AddressWorkload, RouterTraffic, Slot
from actions.releases.choice import choose

NOW = datetime(2026, 11, 21, 22, 41, 7, tzinfo=UTC)


def artefact(version: str, low: int | None = 40, high: int | None = 42, reference: str | None = None) -> Artefact:
    return Artefact(version=version, reference=reference or f"ref:{version}", minimum_schema=low, maximum_schema=high)


def release(
    version: str, verdict: Verdict = Verdict.GOOD, *, days: float = 1, reason: str = "", **more: object
) -> Release:
    fields: dict[str, object] = {
        "environment": "production",
        "service": "api",
        "version": version,
        "reference": f"ref:{version}",
        "verdict": verdict,
        "first_seen": NOW - timedelta(days=days + 1),
        "last_seen": NOW - timedelta(days=days),
        "soaked_seconds": 777_600 if verdict is Verdict.GOOD else 40,
        "samples": 1_000,
        "verdict_reason": reason or verdict.value,
    }
    return Release.model_validate(fields | more)


def slot(
    name: str,
    version: str | None,
    *at_hand: str,
    ready: int = 1,
    desired: int = 1,
    notes: tuple[Check, ...] = (),
    **more: object,
) -> SlotFacts:
    current = artefact(version) if version else None
    instances = tuple(
        Instance(
            id=f"{name}-{number}",
            name=f"{name}-{number}",
            state=InstanceState.RUNNING if number < ready else InstanceState.STOPPED,
            version=version,
            reference=current.reference if current else None,
        )
        for number in range(desired)
    )
    workload = WorkloadFacts(
        observed_at=NOW,
        desired=desired,
        instances=instances,
        current=current,
        pins={"generation": 7},
        at_hand=tuple(map(artefact, at_hand)),
        notes=notes,
    )
    return SlotFacts(slot=name, url=f"http://{name}", workload=workload).model_copy(update=more)


def change(slot_name: str, after: str, action: str = "replace") -> Change:
    return Change(
        slot=slot_name, action=action, title=f"{action} {slot_name}", subject=slot_name, before="", after=after
    )


def traffic(drift: str = "", **shares: float) -> TrafficFacts:
    return TrafficFacts(
        observed_at=NOW, shares=shares, configured=shares, generation="g1", pins={"generation": "g1"}, drift=drift
    )


HEALTHY = ServiceHealth(service="api", kind="http", state=HealthState.OK, word="ok", observed_at=NOW, interval=2)
ILL = HEALTHY.model_copy(
    update={
        "state": HealthState.DEGRADED,
        "word": "errors",
        "figures": (Figure(name="error rate", value=0.072, unit="fraction", limit=0.01, gate=Gate.FAIL),),
        "errors": (0.0, 0.0, 0.05, 0.07, 0.072),
    }
)
SETTINGS = HttpService(
    url="http://127.0.0.1:1",
    slots={
        "blue": Slot(workload=AddressWorkload(url="http://127.0.0.1:2")),
        "green": Slot(workload=AddressWorkload(url="http://127.0.0.1:3")),
    },
    traffic=RouterTraffic(admin="http://127.0.0.1:9"),
)


def facts(
    *slots: SlotFacts,
    releases: tuple[Release, ...],
    shares: TrafficFacts | None = None,
    wanted: str | None = None,
    drivers: bool = True,
    **more: object,
) -> RollbackFacts:
    """Facts as `gather` would give them: chosen, with the changes the drivers would plan."""
    seen = RollbackFacts(
        environment="production",
        service="api",
        at=NOW,
        settings=SETTINGS,
        policy=Policy(),
        budgets=Budgets(),
        slots=slots,
        traffic=shares,
        has_traffic=shares is not None,
        releases=tuple(sorted(releases, key=lambda one: one.last_seen, reverse=True)),
        schemas={"postgres": 41},
        journal=Check(id="journal", title="journal writable", gate=Gate.PASS),
    ).model_copy(update=more)
    seen = seen.model_copy(update={"choice": choose(seen, wanted)})
    return _asked(seen) if drivers else seen


def _asked(seen: RollbackFacts) -> RollbackFacts:
    choice = seen.choice
    if choice.to is None or choice.slot is None:
        return seen
    update: dict[str, object] = {}
    held = Check(id="artefact", title="image", gate=Gate.PASS, evidence=f"{choice.to.version} on 1/1")
    slots = []
    for one in seen.slots:
        if one.slot == choice.slot and one.changes is None and not one.refusal:
            planned = () if choice.warm else (change(one.slot, choice.to.version),)
            one = one.model_copy(update={"changes": planned, "at_hand": one.at_hand or held})
        slots.append(one)
    update["slots"] = tuple(slots)
    if seen.traffic is not None and seen.traffic.shares.get(choice.slot, 0) < 1:
        update["switch"] = change(choice.slot, choice.slot, "switch")
    return seen.model_copy(update=update)


def request(to: str | None = None, **more: object) -> RollbackRequest:
    level = Level.MANUAL if to else Level.EMERGENCY
    return RollbackRequest(environment="production", to=to, level=level).model_copy(update=more)


NOWHERE = Path("/nonexistent")
