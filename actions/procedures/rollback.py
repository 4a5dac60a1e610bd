"""Rollback: from a request and the facts to a Plan, or one clear refusal. Pure.

The fastest reversible lever comes first: a standby that already runs the target only needs the traffic; otherwise the
target is brought into the standby, proved there, and then given the traffic; without a traffic driver the workload is
changed in place. Every change is followed by its proof.
"""

from collections.abc import Iterator
from shlex import quote

from pydantic import JsonValue

from actions.health.readiness import expected_seconds, schema_gate
from actions.model.errors import Refused, UnknownNameError
from actions.model.plan import Level, OnFailure, Phase, Plan, PlannedStep, RollbackRequest
from actions.model.platform import Artefact, Change
from actions.model.way_back import Choice, RollbackFacts, SlotFacts
from actions.model.words import Gate
from actions.procedures.evidence import fault
from actions.releases.choice import never_seen
from actions.releases.known_by import expected
from actions.releases.pinned import pins, refuse_failed, revalidate

__all__ = ["PROCEDURE", "VERSION", "pins", "plan_proof", "plan_rollback", "revalidate"]

PROCEDURE = "rollback"
VERSION = "1"
AT_DEADLINE = OnFailure.WARN
"""A rollback that is late goes on: undone for slowness it would put the release back that was bad enough to leave."""
PROVE_SWITCHED_SECONDS = 10.0


def plan_rollback(request: RollbackRequest, facts: RollbackFacts) -> Plan:
    """The exact plan. `facts` must have been gathered for this request.

    Raises UnknownNameError when the named release is not known, Refused with the reason and what to do otherwise.
    """
    choice = facts.choice
    if choice.refusal or choice.to is None:
        told = UnknownNameError if choice.unknown else Refused
        raise told(choice.refusal or "no release to go back to", code=choice.code)
    slot = facts.slot(choice.slot)
    if slot is None or slot.changes is None:
        raise Refused((slot.refusal if slot else "") or f"no slot can take {choice.to.version}")
    refuse_failed(facts, accept_drift=request.accept_drift, accepting=_accepting(request))
    if facts.switch is None and (choice.warm or not slot.changes):
        raise Refused(f"{choice.to.version} is live already: all traffic is on {choice.slot}")
    moves = tuple(_moves(facts, slot.changes))
    return _plan(request, facts, _phases(request, facts, slot, slot.changes), moves, pins(facts))


def _accepting(request: RollbackRequest) -> str:
    """The command that asks for the same and accepts drift."""
    to = "--last-good" if request.to is None else f"--to {quote(request.to)}"
    service = f" --service {quote(request.service)}" if request.service else ""
    return f"vq-tui rollback {to}{service} --accept-drift"


def plan_proof(request: RollbackRequest, facts: RollbackFacts, left: Artefact, how: str) -> Plan:
    """What already serves again is proved and recorded, and what was left is marked; nothing is moved.

    `facts` gathered for the release that serves, `how` says what put it back. Raises Refused when nothing serves.
    """
    serving = facts.choice.current
    slot = max(facts.slots, key=lambda one: facts.shares.get(one.slot, 0.0), default=None)
    if serving is None or slot is None:
        raise Refused("nobody can tell what serves: look at the platform")
    known = facts.choice.current_release or never_seen(serving, facts)
    choice = Choice(current=left, to=known, artefact=serving, slot=slot.slot, warm=True)
    proven = facts.model_copy(update={"choice": choice, "switch": None})
    ids = iter(range(1, 1000))
    phases = (
        Phase(name="prepare", steps=tuple(_prepare(ids, request, proven))),
        Phase(name="prove", steps=tuple(_prove(ids, proven, slot))),
        Phase(name="finish", steps=tuple(_finish(ids, proven, slot, ()))),
    )
    return _plan(request, proven, phases, (f"{serving.version} is live again, {how}",), pins(facts))


def _plan(
    request: RollbackRequest,
    facts: RollbackFacts,
    phases: tuple[Phase, ...],
    moves: tuple[str, ...],
    pinned: dict[str, JsonValue],
) -> Plan:
    choice, steps = facts.choice, [step for phase in phases for step in phase.steps]
    assert choice.to is not None
    from_version = choice.current.version if choice.current else None
    return Plan(
        procedure=PROCEDURE,
        procedure_version=VERSION,
        environment=facts.environment,
        service=facts.service,
        target=facts.environment,
        title=f"rollback {from_version or 'unknown'} → {choice.to.version}",
        level=request.level,
        from_version=from_version,
        to_version=choice.to.version,
        to_reference=choice.to.reference,
        reason=request.reason or fault(facts) or f"rollback of {from_version or facts.service}",
        moves=moves,
        keeps=tuple(_keeps(facts)),
        phases=phases,
        expected_seconds=expected_seconds(facts) or sum(step.expected_seconds for step in steps),
        budget_seconds=_budget(request.level, facts),
        pins=pinned,
    )


def _phases(
    request: RollbackRequest, facts: RollbackFacts, slot: SlotFacts, changes: tuple[Change, ...]
) -> tuple[Phase, ...]:
    ids = iter(range(1, 1000))
    prepare = Phase(name="prepare", steps=tuple(_prepare(ids, request, facts)))
    move = Phase(name="move", steps=tuple(_move(ids, facts, slot, changes)))
    prove = Phase(name="prove", steps=tuple(_prove(ids, facts, slot)))
    return prepare, move, prove, Phase(name="finish", steps=tuple(_finish(ids, facts, slot, changes)))


def _prepare(ids: Iterator[int], request: RollbackRequest, facts: RollbackFacts) -> Iterator[PlannedStep]:
    yield PlannedStep(id=next(ids), kind="lock", title="take the lock", expected_seconds=0.1, budget_seconds=10)
    params: dict[str, JsonValue] = {"to": facts.choice.to.reference, "accept_drift": request.accept_drift}  # type: ignore[union-attr]
    title = "check the conditions"
    yield PlannedStep(
        id=next(ids), kind="check-conditions", title=title, params=params, expected_seconds=0.3, budget_seconds=20
    )


def _move(
    ids: Iterator[int], facts: RollbackFacts, slot: SlotFacts, changes: tuple[Change, ...]
) -> Iterator[PlannedStep]:
    for change in changes:
        if not change.settling:
            yield _change(next(ids), "change-workload", change, {"slot": slot.slot})
    if facts.switch is not None:
        yield PlannedStep(
            id=next(ids),
            kind="prove-slot",
            title=f"prove {slot.slot}",
            params=_expected(facts, slot),
            expected_seconds=0.2,
            budget_seconds=facts.policy.prove_seconds,
        )
        before = facts.traffic.serving if facts.traffic else None
        params: dict[str, JsonValue] = {"slot": slot.slot, "before": before, "reference": facts.choice.to.reference}  # type: ignore[union-attr]
        yield _change(next(ids), "switch-traffic", facts.switch, params)


def _prove(ids: Iterator[int], facts: RollbackFacts, slot: SlotFacts) -> Iterator[PlannedStep]:
    params = _expected(facts, slot) | {"proofs": facts.policy.proofs}
    prove, seconds = facts.policy.prove_seconds, facts.policy.validation_seconds
    if facts.switch is not None:  # the slot was proved before users were sent there: now every second counts
        prove = min(prove, PROVE_SWITCHED_SECONDS)
    title = "prove health from outside" + _known_by(facts)
    yield PlannedStep(
        id=next(ids), kind="prove-outside", title=title, params=params, expected_seconds=0.2, budget_seconds=prove
    )
    title = "validate the service"
    yield PlannedStep(
        id=next(ids), kind="validate", title=title, params=params, expected_seconds=0.5, budget_seconds=prove + seconds
    )


def _finish(
    ids: Iterator[int], facts: RollbackFacts, slot: SlotFacts, changes: tuple[Change, ...]
) -> Iterator[PlannedStep]:
    """The verdict first: what comes after it may take long, wait for a person, or never come."""
    yield _record(next(ids), facts)
    leaving = [one.slot for one in facts.slots if one.slot != slot.slot]
    if facts.switch is not None and leaving:
        yield PlannedStep(
            id=next(ids),
            kind="drain",
            title=f"drain {', '.join(leaving)}",
            params={"slots": list[JsonValue](leaving)},
            expected_seconds=0.5,
            budget_seconds=facts.policy.drain_seconds,
            on_failure=OnFailure.WARN,
        )
    for change in changes:
        if change.settling:  # tidying up after the proof: by now its failure is no reason to go back
            step = _change(next(ids), "change-workload", change, {"slot": slot.slot})
            yield step.model_copy(update={"on_failure": OnFailure.WARN})


def _record(number: int, facts: RollbackFacts) -> PlannedStep:
    current = facts.choice.current
    params: dict[str, JsonValue] = {
        "from": current.reference if current else None,
        "from_artefact": current.model_dump(mode="json") if current else None,
        "to": facts.choice.to.reference if facts.choice.to else None,
        "to_artefact": facts.choice.artefact.model_dump(mode="json") if facts.choice.artefact else None,
    }
    return PlannedStep(
        id=number,
        kind="record-verdict",
        title="record the verdict",
        params=params,
        expected_seconds=0.1,
        budget_seconds=15,
        on_failure=OnFailure.WARN,
    )


def _change(number: int, kind: str, change: Change, extra: dict[str, JsonValue]) -> PlannedStep:
    return PlannedStep(
        id=number,
        kind=kind,
        title=change.title,
        params={"change": change.model_dump(mode="json"), **extra},
        expected_seconds=change.expected_seconds,
        budget_seconds=change.budget_seconds,
        changes=True,
    )


def _expected(facts: RollbackFacts, slot: SlotFacts) -> dict[str, JsonValue]:
    to = facts.choice.to
    assert to is not None
    known = expected(facts)
    return {
        "slot": slot.slot,
        "version": to.version,
        "reference": to.reference,
        "word": known.word,
        "by_reference": known.by_reference,
        **({"others": list[JsonValue](sorted(known.others))} if known.others else {}),
    }


def _known_by(facts: RollbackFacts) -> str:
    """Said where the service does not name its releases as the platform does."""
    word, to = expected(facts).word, facts.choice.to
    if word is None:
        return ", release by reference"
    return f", release as {word}" if to is not None and word != to.version else ""


def _moves(facts: RollbackFacts, changes: tuple[Change, ...]) -> Iterator[str]:
    moving = (one for one in changes if not one.settling)
    for change in (*moving, *((facts.switch,) if facts.switch else ())):
        arrow = f" {change.before} → {change.after}" if change.after else ""
        yield f"{change.subject}{arrow}"
        yield from change.details


def _keeps(facts: RollbackFacts) -> Iterator[str]:
    for name in facts.data_services:
        version = facts.schemas.get(name)
        if version is None:
            yield name
            continue
        check = schema_gate(facts.choice.artefact, version, "")
        known = check is not None and check.gate is Gate.PASS
        yield f"{name} (schema {version} fits)" if known else f"{name} (schema {version}, fit not known)"


def _budget(level: Level, facts: RollbackFacts) -> float:
    budgets = facts.budgets
    return {Level.EMERGENCY: budgets.emergency, Level.AUTOMATIC: budgets.automatic}.get(level, budgets.rollback)
