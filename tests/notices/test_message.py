"""What the channel reads: how the run ended, with what was measured."""

from datetime import UTC, datetime
from typing import Any

import pytest

from actions.model.record import Notice
from actions.model.run import Run
from actions.model.words import RunState
from actions.notices.message import body_of, text_of

AT = datetime(2026, 3, 1, 3, 10, tzinfo=UTC)
NOTICE = Notice(
    id=1, environment="production", run_id="RUN", channel="oncall", text="rollback 2 → 1", body={}, created_at=AT
)


def run(state: RunState, **more: Any) -> Run:
    facts: dict[str, Any] = {
        "id": "RUN",
        "procedure": "rollback",
        "procedure_version": "1",
        "environment": "production",
        "service": "api",
        "target": "production",
        "state": state,
        "level": "emergency",
        "from_version": "2",
        "to_version": "1",
        "reason": "errors",
        "operator": "mira",
        "origin": "",
        "created_at": AT,
    }
    return Run.model_validate(facts | more)


def test_an_ended_run_is_told_with_its_measures() -> None:
    measured = {"downtime_seconds": 0, "failed_requests": 5, "lost_writes": 0}
    text = text_of(NOTICE, run(RunState.SUCCEEDED, seconds=0.914, metrics=measured))
    assert text == "rollback 2 → 1 [succeeded in 0.9 s, downtime 0 s, failed requests 5, lost writes 0]"


def test_what_nobody_measured_is_not_told_as_nothing() -> None:
    text = text_of(NOTICE, run(RunState.SUCCEEDED, metrics={"lost_writes": None}))
    assert "lost" not in text
    assert body_of(NOTICE, run(RunState.SUCCEEDED, metrics={"lost_writes": None}))["run"]["metrics"] == {
        "lost_writes": None
    }


def test_a_run_that_waits_for_a_person_is_not_told_as_ended() -> None:
    assert text_of(NOTICE, run(RunState.NEEDS_OPERATOR)) == NOTICE.text


@pytest.mark.parametrize("state", [RunState.NEEDS_OPERATOR, RunState.PAUSED, RunState.UNDOING])
def test_the_alarm_of_a_drill_is_called_a_drill_too(state: RunState) -> None:
    assert text_of(NOTICE, run(state, drill=True)) == f"DRILL: {NOTICE.text}"


def test_a_drill_is_called_a_drill() -> None:
    assert text_of(NOTICE, run(RunState.SUCCEEDED, drill=True)).startswith("DRILL: ")
