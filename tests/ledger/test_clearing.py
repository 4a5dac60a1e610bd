"""A verdict that was wrong is taken back by a person, with a reason that stands in the journal."""

from datetime import UTC, datetime, timedelta

import pytest

from actions.ledger.writer import LedgerWriter
from actions.model.errors import Refused, UnknownNameError, UsageError
from actions.model.plan import Release
from actions.model.run import EventKind
from actions.model.words import RunState, Verdict
from tests.ledger.filling import finished
from tests.ledger.test_left import begun

NOW = datetime.now(UTC)
LEFT = "ref:2.4.1"


def row(**more: object) -> Release:
    fields = {"environment": "demo", "service": "api", "version": "1.1", "reference": LEFT, "verdict": Verdict.BAD}
    times = {"first_seen": NOW - timedelta(hours=1), "last_seen": NOW}
    return Release.model_validate(fields | times | more)


def clear(ledger: LedgerWriter, name: str = "1.1", reason: str = "it was the database") -> Release:
    return ledger.clear_release("demo", "api", name, by="anna", reason=reason)


def test_it_is_a_candidate_again_and_the_journal_says_who_and_why(ledger: LedgerWriter) -> None:
    run = finished(ledger)
    ledger.save_release(row(verdict_run=run, verdict_reason="errors", verdict_at=NOW, soaked_seconds=9.0))
    assert clear(ledger).verdict is Verdict.CANDIDATE
    (kept,) = ledger.releases("demo", "api")
    assert (kept.verdict, kept.soaked_seconds, kept.verdict_run) == (Verdict.CANDIDATE, 0.0, None)
    assert kept.verdict_reason == "cleared by anna: it was the database"
    said = ledger.events(run)[-1]
    assert said.kind is EventKind.NOTE and said.actor == "anna" and "it was the database" in str(said.body)
    assert ledger.verify().intact
    assert "taken back" in ledger.changes("demo")[0].text


def test_an_observer_that_read_it_before_does_not_bring_the_verdict_back(ledger: LedgerWriter) -> None:
    before = row(soaked_seconds=500.0)
    ledger.save_release(before)
    cleared = clear(ledger)
    ledger.save_release(before.model_copy(update={"last_seen": NOW + timedelta(seconds=5)}))
    (kept,) = ledger.releases("demo", "api")
    assert (kept.verdict, kept.cleared_at, kept.soaked_seconds) == (Verdict.CANDIDATE, cleared.cleared_at, 0.0)
    ledger.save_release(kept.model_copy(update={"verdict": Verdict.BAD}))
    assert ledger.releases("demo", "api")[0].verdict is Verdict.BAD, "a later rollback may mark it again"


def test_what_a_rollback_left_without_a_verdict_is_cleared_as_well(ledger: LedgerWriter) -> None:
    run, token = begun(ledger)
    ledger.finish(run, RunState.FAILED, fence=token, actor="x")
    ledger.save_release(row(verdict=Verdict.CANDIDATE))
    assert LEFT in ledger.left_behind("demo", "api")
    clear(ledger)
    assert ledger.left_behind("demo", "api") == {}
    assert "taken back" in str(ledger.events(run)[-1].body)


def test_what_cannot_be_cleared_says_why(ledger: LedgerWriter) -> None:
    ledger.save_release(row(verdict=Verdict.GOOD))
    with pytest.raises(UsageError, match="needs a reason"):
        clear(ledger, reason=" ")
    with pytest.raises(UnknownNameError, match="known: 1.1"):
        clear(ledger, "9.9")
    with pytest.raises(Refused, match="nothing is held against 1.1"):
        clear(ledger)
    for reference in ("sha256:a", "sha256:b"):
        ledger.save_release(row(version="1.2", reference=reference))
    with pytest.raises(Refused, match="give the reference of one"):
        clear(ledger, "1.2")
    assert clear(ledger, "sha256:a").reference == "sha256:a"
