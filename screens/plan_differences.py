"""What differs between the plan that was shown and the plan as it is now, in few words. Pure."""

from collections.abc import Iterable

from actions.model.plan import Plan
from screens.glyphs import ARROW


def plan_differences(before: Plan, now: Plan) -> str:
    """The parts that differ: releases, what moves, what stays, steps, or else what the plan was pinned to."""
    found = []
    for name, old, new in (
        ("leaves", before.from_version, now.from_version),
        ("goes to", before.to_version, now.to_version),
        ("budget", f"{before.budget_seconds:.0f} s", f"{now.budget_seconds:.0f} s"),
    ):
        if old != new:
            found.append(f"{name} {old} {ARROW} {new}")
    found += _lines("moves", before.moves, now.moves)
    found += _lines("keeps", before.keeps, now.keeps)
    found += _lines("step", (step.title for step in before.steps), (step.title for step in now.steps))
    return "; ".join(found) or "what runs was replaced or restarted since"


def _lines(name: str, before: Iterable[str], now: Iterable[str]) -> list[str]:
    old, new = list(before), list(now)
    gone = [f"no longer {name} {one}" for one in old if one not in new]
    return [*gone, *(f"{name} {one}" for one in new if one not in old)]
