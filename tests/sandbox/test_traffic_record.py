"""Counting what users got, with a clock in hand."""

from pathlib import Path

import pytest

from actions.sandbox import traffic_record
from actions.sandbox.traffic import calls
from actions.sandbox.traffic_record import Acknowledged, TrafficRecord


class Clock:
    """A wall clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(traffic_record, "time", clock)
    return clock


def steady(record: TrafficRecord, clock: Clock, seconds: float, *, fail: bool = False) -> None:
    for number in range(round(seconds * 50)):
        clock.now += 0.02
        if fail:
            record.failed(0.001, "", "refused", f"user-{number % 7}")
        else:
            record.succeeded(0.004, "1.0", write=True)


def test_an_outage_is_measured_from_the_last_answer_to_the_next(clock: Clock) -> None:
    record = TrafficRecord()
    steady(record, clock, 5)
    steady(record, clock, 2, fail=True)
    during = record.state(None, sending=True)["downtime"]
    assert during["down_now"] and during["total_seconds"] == pytest.approx(2.0)
    steady(record, clock, 5)
    state = record.state(None, sending=True)
    assert (state["requests"], state["failed"], state["acknowledged_writes"]) == (600, 100, 500)
    assert state["downtime"]["longest_seconds"] == pytest.approx(2.02) and state["users_affected"] == 7
    assert not state["downtime"]["down_now"] and state["error_rate"] == pytest.approx(0.2, abs=0.01)


def test_single_errors_are_failures_but_no_outage(clock: Clock) -> None:
    record = TrafficRecord()
    for _ in range(50):
        steady(record, clock, 0.38)
        steady(record, clock, 0.02, fail=True)
    state = record.state(None, sending=True)
    assert state["failed"] == 50 and state["downtime"]["total_seconds"] == 0


def test_silence_is_an_outage_too_but_only_while_something_is_sent(clock: Clock) -> None:
    record = TrafficRecord()
    steady(record, clock, 1)
    clock.now += 3
    assert record.state(None, sending=True)["downtime"]["total_seconds"] == pytest.approx(3)
    assert record.state(None, sending=False)["downtime"]["total_seconds"] == 0


def test_since_counts_only_what_came_after(clock: Clock) -> None:
    record = TrafficRecord()
    steady(record, clock, 3, fail=True)
    steady(record, clock, 1)
    since = clock.now + 0.1
    clock.now += 0.1
    steady(record, clock, 2)
    state = record.state(since, sending=True)
    assert (state["requests"], state["failed"], state["users_affected"]) == (100, 0, 0) and state["downtime"][
        "total_seconds"
    ] == 0
    assert record.state(since - 2.6, sending=True)["downtime"]["total_seconds"] == pytest.approx(1.5, abs=0.1)


def test_acknowledged_writes_survive_and_a_torn_line_does_not_count(tmp_path: Path, clock: Clock) -> None:
    acknowledged = Acknowledged(tmp_path / "log")
    for token in ("a", "b"):
        acknowledged.add(token)
        clock.now += 10
    with (tmp_path / "log").open("ab") as file:
        file.write(b"1000020.000 tor")
    again = Acknowledged(tmp_path / "log")
    assert again.tokens(0) == ["a", "b"] and again.tokens(1_000_005) == ["b"]


def test_every_write_has_a_token_of_its_own() -> None:
    mix = calls("s")
    sent = [next(mix) for _ in range(2_000)]
    tokens = [call.token for call in sent if call.token is not None]
    assert len(tokens) == len(set(tokens)) > 400
    assert {call.path.partition("?")[0] for call in sent} == {"/api/queues", "/api/users", "/api/sessions"}
