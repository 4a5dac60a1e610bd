"""Words that are made in one place for screens and commands."""

import pytest

from actions.model.health import Check
from actions.model.views import LogCounts
from actions.model.words import Gate, HealthState
from screens.words import counted, nowhere, told
from tests.fakes import facts


@pytest.mark.parametrize(
    ("summary", "error", "said"),
    [
        ("connection refused", "connection refused", "connection refused"),
        ("connection refused", "10.0.0.1: connection refused", "10.0.0.1: connection refused"),
        ("3/3  2.4.1", "no answer yet", "3/3  2.4.1  no answer yet"),
        ("3/3  2.4.1", "", "3/3  2.4.1"),
        ("", "no route", "no route"),
    ],
)
def test_what_went_wrong_is_said_once(summary: str, error: str, said: str) -> None:
    assert told(facts.health("api", HealthState.DOWN, "down", summary, error=error)) == said


def test_what_was_not_read_is_no_clean_log() -> None:
    counts = facts.counts().model_copy(update={"unread": ("green: silent",)})
    assert counted(counts) == "error 288  performance 12  security 0  of 4,000 lines, 1 not read"
    nothing = LogCounts(service="api", lines=0, error=0, performance=0, security=0, unread=("green: silent",))
    assert counted(nothing) == "not counted: no log could be read"


def test_a_way_back_that_leads_nowhere_is_not_the_same_as_one_that_nobody_sees() -> None:
    good = Check(id="good", title="a release to go back to", gate=Gate.FAIL, evidence="no release has earned 'good'")
    assert nowhere(facts.readiness(checks=(good,), to=None)) == "no release to go back to"
    unseen = good.model_copy(update={"gate": Gate.INCONCLUSIVE})
    assert nowhere(facts.readiness(checks=(unseen,), to=None)) == "where to is not known"
