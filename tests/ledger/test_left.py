"""What a rollback has left stays left, whatever became of the run and of its verdict."""

from datetime import UTC, datetime, timedelta

from actions.ledger.writer import LedgerWriter
from actions.model.plan import Release
from actions.model.run import EventKind
from actions.model.words import RunState, Verdict
from tests.ledger.filling import submit
from tests.ledger.plans import make_plan, step

PINS = {"from": "ref:2.4.1", "to": "ref:2.4.0"}
SWITCHED = make_plan(
    step(1, "lock", changes=False), step(2, "change-workload"), step(3, "switch-traffic"), pins=PINS, from_version="2"
)
IN_PLACE = make_plan(step(1, "lock", changes=False), step(2, "change-workload"), pins=PINS)


def begun(ledger: LedgerWriter, plan=SWITCHED, upto: int = 3, *, undone: tuple[int, ...] = ()) -> tuple[str, int]:
    """A run whose executor died after the intent of step `upto`."""
    run_id = submit(ledger, plan)
    token = ledger.acquire(run_id, actor="x")
    ledger.transition(run_id, RunState.RUNNING, fence=token, actor="x")
    for number in range(1, upto + 1):
        ledger.append(run_id, EventKind.INTENT, step=number, body={"key": "k"}, fence=token, actor="x")
    for number in undone:
        ledger.append(run_id, EventKind.UNDONE, step=number, fence=token, actor="x")
    return run_id, token


def left(ledger: LedgerWriter) -> list[str]:
    return list(ledger.left_behind("demo", "api"))


def seen(ledger: LedgerWriter, verdict: Verdict, at: datetime) -> None:
    ledger.save_release(
        Release(
            environment="demo",
            service="api",
            version="2.4.1",
            reference="ref:2.4.1",
            verdict=verdict,
            first_seen=at,
            last_seen=at,
            verdict_at=at,
        )
    )


def test_a_release_is_left_as_soon_as_the_switch_was_meant_and_stays_left_when_the_run_is_closed(
    ledger: LedgerWriter,
) -> None:
    seen(ledger, Verdict.GOOD, datetime.now(UTC) - timedelta(days=2))
    run_id, token = begun(ledger)
    assert left(ledger) == ["ref:2.4.1"], "its executor died before it could record the verdict"
    ledger.finish(run_id, RunState.NEEDS_OPERATOR, fence=token, actor="x")
    ledger.close_run(run_id, by="anna", reason="drained by hand")
    assert left(ledger) == ["ref:2.4.1"] and ledger.left_behind("demo", "api")["ref:2.4.1"].run_id == run_id
    assert ledger.left_behind("demo", "other") == {} == ledger.left_behind("other", "api")


def test_a_run_that_succeeded_without_recording_its_verdict_counts(ledger: LedgerWriter) -> None:
    run_id, token = begun(ledger, IN_PLACE, 2)
    ledger.finish(run_id, RunState.SUCCEEDED, fence=token, actor="x")
    assert left(ledger) == ["ref:2.4.1"]


def test_what_was_never_left_is_not_left(ledger: LedgerWriter) -> None:
    run_id, token = begun(ledger, upto=2)
    assert left(ledger) == [], "only the standby was changed: the release still has its users"
    ledger.append(run_id, EventKind.INTENT, step=3, body={"key": "k"}, fence=token, actor="x")
    assert left(ledger) == ["ref:2.4.1"]
    ledger.append(run_id, EventKind.UNDONE, step=3, fence=token, actor="x")
    ledger.finish(run_id, RunState.FAILED, fence=token, actor="x")
    assert left(ledger) == [], "the switch was undone"


def test_deployed_again_and_good_again_it_is_left_no_more(ledger: LedgerWriter) -> None:
    run_id, token = begun(ledger)
    ledger.finish(run_id, RunState.SUCCEEDED, fence=token, actor="x")
    seen(ledger, Verdict.CANDIDATE, datetime.now(UTC) + timedelta(hours=1))
    assert left(ledger) == ["ref:2.4.1"], "soaking is no proof"
    seen(ledger, Verdict.GOOD, datetime.now(UTC) + timedelta(hours=2))
    assert left(ledger) == []
