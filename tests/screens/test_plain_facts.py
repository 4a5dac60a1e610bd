"""What a screen says is what is known: absence is absence, and figures carry what they are of."""

from datetime import timedelta

import pytest

from actions.model.health import Snapshot
from actions.model.words import HealthState, RunState
from screens.cells import column
from screens.glyphs import BAR, HAIR
from screens.plan_differences import plan_differences
from screens.rollback_rows import Decision, from_rows
from screens.run_rows import Live, timeline
from screens.service_rows import Detail, chart_title, log_rows
from tests.fakes import facts


def _against(health: object | None) -> str:
    offer = facts.offer(evidence="", note="", trouble_since=None)
    services = (health,) if health is not None else ()
    snapshot = Snapshot(environment="production", sequence=1, at=facts.NOW, services=services)
    decision = Decision(offer, offer.readiness, snapshot, facts.NOW, "", {})
    return from_rows(decision, offer.readiness, offer.plan, 120)[0].plain


def test_only_what_was_measured_well_is_called_well() -> None:
    fresh = {"observed_at": facts.NOW, "attempted_at": facts.NOW}
    well = facts.health("api", HealthState.OK, "ok", "3/3", **fresh, errors=(0.0,) * 9)
    assert "speaks against it" in _against(well)
    failing = well.model_copy(update={"errors": (0.0, 0.34, None)})
    silent = well.model_copy(update={"observed_at": facts.NOW - timedelta(minutes=9)})
    slow = well.model_copy(update={"state": HealthState.DEGRADED, "word": "slow"})
    for health, words in ((failing, "34 %"), (silent, "not known now"), (slow, "slow"), (None, "not known now")):
        assert words in _against(health) and "speaks against it" not in _against(health)


def test_a_changed_plan_says_what_changed() -> None:
    plan = facts.plan()
    other = plan.model_copy(update={"to_version": "2.3.9", "moves": ("worker image 1c0a",)})
    assert f"goes to {plan.to_version} → 2.3.9" in plan_differences(plan, other)
    assert "moves worker image 1c0a" in plan_differences(plan, other)
    assert plan_differences(plan, plan.model_copy(update={"pins": {"api": "other"}})) != ""


@pytest.mark.parametrize("state", [RunState.SUCCEEDED, RunState.FAILED, RunState.UNDONE])
def test_the_bar_of_an_ended_run_is_whole(state: RunState) -> None:
    view = facts.run_view()
    ended = view.run.model_copy(update={"state": state, "seconds": 4.6, "ended_at": facts.NOW})
    line = timeline(Live(view.model_copy(update={"run": ended}), None, None, facts.NOW), 78).plain
    assert BAR in line and HAIR not in line
    assert line.startswith("00:05 of")


def test_a_chart_names_unit_and_window() -> None:
    health = facts.health("api", HealthState.OK, "ok", "3/3", trend=(12.0, 47.0), latency_ms=12.0, interval=2.0)
    assert chart_title(health) == "LATENCY to 47 ms, 4 s"


def test_where_no_log_is_read_that_is_said_in_one_line() -> None:
    detail = Detail(None, (), None, None, None, facts.NOW)
    (line,) = log_rows(detail, 78, 10)
    assert "not read here" in line.plain


@pytest.mark.parametrize("width", [2, 8, 18])
def test_columns_never_run_into_each_other(width: int) -> None:
    for text in ("", "x" * (width - 1), "x" * width, "x" * (width + 9)):
        assert len(column(text, width)) == width and column(text, width).endswith(" ")
