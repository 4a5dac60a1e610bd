"""The score of a rehearsal: its laws, for all clock points."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from actions.drills.scenarios import SCENARIOS, find
from actions.drills.score import POINTS, Score, score
from actions.model.environment import Budgets
from actions.model.errors import UnknownNameError

START = datetime(2026, 3, 1, 3, 10, tzinfo=UTC)
BUDGETS = Budgets()
SCENARIO = SCENARIOS[0]
gaps = some.lists(some.floats(0, 2_000), min_size=5, max_size=5)


def points(between: list[float]) -> dict[str, datetime]:
    at, found = START, {"injected": START}
    for name, seconds in zip(POINTS[1:], between, strict=True):
        at += timedelta(seconds=seconds)
        found[name] = at
    return found


def judged(between: list[float], *, succeeded: bool = True, lost: int | None = 0) -> Score:
    return score(SCENARIO, points(between), BUDGETS, succeeded=succeeded, lost_writes=lost)


@given(gaps)
def test_points_stay_between_0_and_100(between: list[float]) -> None:
    assert 0 <= judged(between).score <= 100


@given(gaps, some.integers(0, 4), some.floats(0, 500))
def test_slower_never_scores_higher(between: list[float], where: int, more: float) -> None:
    slower = [seconds + (more if at == where else 0) for at, seconds in enumerate(between)]
    assert judged(slower).score <= judged(between).score


@given(gaps, some.sampled_from(POINTS))
def test_a_missing_clock_point_never_helps_and_is_said(between: list[float], name: str) -> None:
    less = {key: at for key, at in points(between).items() if key != name}
    found = score(SCENARIO, less, BUDGETS, succeeded=True, lost_writes=0)
    assert found.score <= judged(between).score
    if name in ("injected", "detected", "decided", "recovered"):
        assert any("not measured" in remark for remark in found.remarks)


@given(gaps)
def test_a_failed_run_or_a_lost_write_fails_the_drill(between: list[float]) -> None:
    assert not judged(between, succeeded=False).passed
    assert not judged(between, lost=1).passed


def test_within_all_budgets_is_full_score_without_remarks() -> None:
    found = judged([5, 10, 1, 2, 2])
    assert (found.score, found.passed, found.remarks) == (100, True, ())


def test_uncounted_writes_are_said_not_taken_for_none() -> None:
    assert any("not counted" in remark for remark in judged([5, 10, 1, 2, 2], lost=None).remarks)


def test_an_unknown_drill_names_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match="bad-release"):
        find("nothing")
