"""Words that are made in one place for screens and commands."""

import pytest

from actions.health.readiness import space
from actions.model.health import Check
from actions.model.views import LogCounts
from actions.model.words import Gate, HealthState
from screens.rollback_rows import takes_row, to_row
from screens.words import counted, nowhere, short_evidence, told
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
    assert nowhere(facts.readiness(checks=(good,), to=None)) == "no target release"
    unseen = good.model_copy(update={"gate": Gate.INCONCLUSIVE})
    assert nowhere(facts.readiness(checks=(unseen,), to=None)) == "where to is not known"
    for check, word in ((good, "nothing"), (unseen, "not known")):
        assert f"to       {word} " in to_row(facts.readiness(checks=(check,), to=None), None, "", 78).plain


def test_evidence_does_not_repeat_the_label_before_it() -> None:
    schema = Check(id="schema", title="schema fits", gate=Gate.PASS, evidence="schema 41, within 41 to 42 of 2.4.0")
    assert short_evidence(schema) == "41, within 41 to 42 of 2.4.0"
    assert short_evidence(schema.model_copy(update={"id": "lock"})) == schema.evidence


def test_room_on_a_disk_is_told_in_a_unit_that_fits() -> None:
    assert [space(size << 20) for size in (47, 1_536, 78_290, 4 << 20)] == ["47 MiB", "1.5 GiB", "76 GiB", "4.0 TiB"]


def test_one_duration_is_no_range() -> None:
    plan = facts.plan()
    assert "last 3: 1 s   " in takes_row(plan, facts.readiness(fastest=0.8, slowest=1.2, samples=3)).plain
    assert "last 5: 9 s to 14 s" in takes_row(plan, facts.readiness()).plain
