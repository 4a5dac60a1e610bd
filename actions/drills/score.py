"""The score of a rehearsal, from its clock points alone: pure, so that anyone can compute it again from the journal."""

from datetime import datetime

from actions.model.base import Fact
from actions.model.environment import Budgets
from actions.model.views import Scenario

POINTS = ("injected", "detected", "decided", "acted", "moved", "recovered")
"""Clock points in the order in which they happen."""


class Score(Fact):
    """0 to 100 points, whether the drill counts as passed, the seconds of each stretch, and what to work on."""

    score: int
    passed: bool
    stretches: dict[str, float]
    remarks: tuple[str, ...]


def score(
    scenario: Scenario, points: dict[str, datetime], budgets: Budgets, *, succeeded: bool, lost_writes: int | None
) -> Score:
    """Judge one rehearsal.

    Each stretch (seeing it, deciding, acting until recovered, all of it) earns its points within its budget, and ever
    fewer down to none at three times the budget. A stretch without both clock points earns nothing. A run that did
    not end succeeded, a lost write, or a recovery later than the rollback budget fails the drill whatever the points.
    """
    parts = (
        ("detected", "injected", "detected", scenario.detected_seconds, 25),
        ("decided", "detected", "decided", scenario.decided_seconds, 25),
        ("recovered", "decided", "recovered", scenario.recovered_seconds, 30),
        ("in all", "injected", "recovered", budgets.rollback, 20),
    )
    stretches: dict[str, float] = {}
    remarks: list[str] = []
    earned = 0.0
    for name, start, end, budget, worth in parts:
        seconds = stretch(points, start, end)
        if seconds is None:
            remarks.append(f"{name}: not measured, so it earns nothing")
            continue
        stretches[name] = seconds
        earned += worth * share(seconds, budget)
        if seconds > budget:
            remarks.append(f"{name}: {seconds:.1f} s, the budget is {budget:.0f} s")
    whole = stretches.get("in all")
    passed = succeeded and not lost_writes and whole is not None and whole <= budgets.rollback
    if not succeeded:
        remarks.append("the rollback did not end succeeded")
    if lost_writes:
        remarks.append(f"{lost_writes} acknowledged writes were lost")
    elif lost_writes is None and succeeded:
        remarks.append("lost writes were not counted: nobody was watching them")
    return Score(score=round(earned), passed=passed, stretches=stretches, remarks=tuple(remarks))


def stretch(points: dict[str, datetime], start: str, end: str) -> float | None:
    """Seconds between two clock points, never negative; None when one of them is missing."""
    if start not in points or end not in points:
        return None
    return max(0.0, (points[end] - points[start]).total_seconds())


def share(seconds: float, budget: float) -> float:
    """1 within the budget, falling evenly to 0 at three times the budget."""
    return min(1.0, max(0.0, 1 - (seconds - budget) / (2 * budget)))
