"""What a plan is bound to, and whether it still holds: the same check at submit and right before acting. Pure."""

from pydantic import JsonValue

from actions.health.readiness import conditions
from actions.model.errors import Drifted, Refused, Stale
from actions.model.health import Check
from actions.model.plan import Plan
from actions.model.way_back import RollbackFacts
from actions.model.words import Gate

NOT_DECIDED_HERE = frozenset({"good", "lock", "drill", "releases"})
"""Conditions that do not refuse a plan: the choice is refused by name, the lock by the ledger, the rest is advice."""


def pins(facts: RollbackFacts) -> dict[str, JsonValue]:
    """Identities the plan is bound to: when one of them moved, the plan is stale.

    Of the slots only the one that is changed or sent users to is pinned: what is being left may be dying.
    """
    slot = facts.slot(facts.choice.slot)
    return {
        "from": facts.choice.current.reference if facts.choice.current else None,
        "to": facts.choice.to.reference if facts.choice.to else None,
        "slot": facts.choice.slot,
        "workload": dict(slot.workload.pins) if slot and slot.workload else None,
        "traffic": dict(facts.traffic.pins) if facts.traffic is not None else None,
        "serving": facts.traffic.serving if facts.traffic is not None else None,
    }


def revalidate(plan: Plan, facts: RollbackFacts, *, accept_drift: bool = False) -> tuple[Check, ...]:
    """The conditions of `plan`, read again; `facts` gathered with `to=plan.to_reference`.

    Raises Stale when anything pinned moved since planning, Refused when a condition fails now.
    """
    if facts.choice.refusal and plan.pins.get("to") is not None:  # a plan that only proves is bound to no choice
        raise Refused(facts.choice.refusal)
    now = pins(facts)
    if now["from"] is None:
        del now["from"]  # what is left cannot be told any more: it did not move, it fell silent
    moved = [
        f"{name}: {_difference(plan.pins.get(name), now[name])}" for name in now if plan.pins.get(name) != now[name]
    ]
    if moved:
        raise Stale(f"the world moved since this was planned ({'; '.join(moved)}): plan again")
    refuse_failed(facts, accept_drift=accept_drift)
    return conditions(facts)


def refuse_failed(facts: RollbackFacts, *, accept_drift: bool = False, accepting: str = "") -> None:
    """Raises Refused for the first condition that fails, with what to do about it.

    Raises Drifted when that is drift: `accepting` is the command that goes on all the same, where there is one.
    """
    for check in conditions(facts):
        if check.gate is not Gate.FAIL or check.id in NOT_DECIDED_HERE:
            continue
        if check.id == "drift" and accept_drift:
            continue
        if check.id == "drift" and accepting:
            raise Drifted(f"{check.title}: {check.evidence}: look who changed it", accepting)
        advice = f": {check.advice}" if check.advice else ""
        raise Refused(f"{check.title}: {check.evidence or 'failed'}{advice}")


def _difference(planned: JsonValue, now: JsonValue) -> str:
    if isinstance(planned, dict) and isinstance(now, dict):
        parts = [
            f"{name} {_difference(planned.get(name), now.get(name))}"
            for name in {**planned, **now}
            if planned.get(name) != now.get(name)
        ]
        return ", ".join(parts)
    return f"{_short(planned)} is now {_short(now)}"


def _short(value: JsonValue) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 24 else text[:20] + "…"
