"""Another time zone in the middle of a run moves nothing: neither the order of events nor who holds what."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from actions.model.words import RunState
from tests.runner.carrying import Bench
from tests.runner.journal_checker import check_journal


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Sets the zone of this process; the old one is back afterwards."""
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def test_a_run_goes_on_in_another_time_zone(tmp_path: Path, zone: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path)
    zone.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    run_id = bench.submit()
    assert bench.crash(run_id, lambda _, name: name == "effect.3.middle")
    zone.setenv("TZ", "Pacific/Pago_Pago")  # the same moment, 25 hours earlier on the wall
    time.tzset()
    assert bench.run(run_id) is RunState.SUCCEEDED
    events = bench.ledger.events(run_id)
    moments = [event.at for event in events]
    assert moments == sorted(moments) and {moment.utcoffset() for moment in moments} == {timedelta()}
    assert [event.seq for event in events] == sorted(event.seq for event in events)
    ended = bench.ledger.run(run_id)
    assert ended.seconds is not None and 0 <= ended.seconds < 60
    check_journal(bench.ledger, bench.world)
    bench.close()
