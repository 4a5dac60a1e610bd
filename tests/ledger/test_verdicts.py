"""A release that is bad stays bad, whatever an observer writes that had read the row before."""

from datetime import UTC, datetime, timedelta

import pytest

from actions.ledger.writer import LedgerWriter
from actions.model.words import Verdict
from actions.releases.choice import last_known_good
from actions.releases.observe import anew, marked_bad
from tests.releases.making import release

NOW = datetime.now(UTC)


@pytest.mark.parametrize("believed", [Verdict.GOOD, Verdict.CANDIDATE])
def test_what_an_observer_believes_does_not_take_a_bad_verdict_away(ledger: LedgerWriter, believed: Verdict) -> None:
    seen = release("2.4.1", believed)
    ledger.save_release(seen)
    ledger.save_release(marked_bad(seen, "errors 7 %", "RUN", NOW))
    ledger.save_release(seen.model_copy(update={"last_seen": NOW + timedelta(seconds=5), "soaked_seconds": 9_999}))
    (row,) = ledger.releases("production", "api")
    assert (row.verdict, row.verdict_reason, row.verdict_run) == (Verdict.BAD, "errors 7 %", "RUN")
    assert row.last_seen == NOW + timedelta(seconds=5), "what was seen is kept all the same"
    assert last_known_good(ledger.releases("production", "api"), None) is None


def test_only_an_undone_rollback_takes_its_mark_away(ledger: LedgerWriter) -> None:
    bad = marked_bad(release("2.4.1"), "errors 7 %", "RUN", NOW)
    ledger.save_release(bad)
    ledger.save_release(anew(bad, "rollback RUN was undone, soaking anew"), lift=True)
    (row,) = ledger.releases("production", "api")
    assert row.verdict is Verdict.CANDIDATE and row.soaked_seconds == 0
