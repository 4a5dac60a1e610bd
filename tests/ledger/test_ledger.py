"""What a ledger keeps: requests, runs, journal, commands, questions, facts."""

import os
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actions.ledger import open_reader, open_writer
from actions.ledger.locks import lock_path, locked
from actions.ledger.writer import LedgerWriter, LostLock
from actions.model.errors import Busy, LedgerError, Refused, UnknownNameError, UsageError
from actions.model.plan import Release
from actions.model.record import ChangeNote, Drill, RunQuery
from actions.model.run import EventKind
from actions.model.words import Command, RunState, Verdict
from tests.ledger.filling import finished, past_runs, submit
from tests.ledger.plans import make_plan


def test_the_same_key_is_the_same_run(ledger: LedgerWriter) -> None:
    first = submit(ledger, key="press-1")
    again = submit(ledger, key="press-1")
    assert first == again and ledger.runs(RunQuery()).total == 1
    assert ledger.plan(first).digest == make_plan().digest
    assert ledger.request(first).key == "press-1" and ledger.config_path(first) == Path("/etc/x.toml")


def test_one_target_holds_one_active_run(ledger: LedgerWriter) -> None:
    first = submit(ledger)
    with pytest.raises(Busy, match="holds 'demo/api'") as caught:
        submit(ledger)
    assert caught.value.run_id == first
    assert submit(ledger, make_plan(target="demo/worker")) != first
    assert ledger.active_on("demo/api") is not None and ledger.active("demo") is not None


def test_two_operators_at_once_get_one_run(directory: Path) -> None:
    """Row 7, within one process; the executors' side is in the runner's tests."""
    open_writer(directory).close()
    outcomes: list[str] = []
    gate = threading.Barrier(4)

    def confirm() -> None:
        with open_writer(directory) as mine:
            gate.wait()
            try:
                outcomes.append(submit(mine))
            except Busy as busy:
                outcomes.append(f"busy {busy.run_id}")

    threads = [threading.Thread(target=confirm) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = [one for one in outcomes if not one.startswith("busy")]
    assert len(winner) == 1 and outcomes.count(f"busy {winner[0]}") == 3


def test_tokens_only_grow_and_a_stale_one_writes_nothing(ledger: LedgerWriter) -> None:
    run_id = submit(ledger)
    first = ledger.acquire(run_id, actor="a")
    second = ledger.acquire(run_id, actor="b")
    assert second > first
    with pytest.raises(LostLock):
        ledger.append(run_id, EventKind.INTENT, fence=first, actor="a")
    with pytest.raises(LostLock):
        ledger.finish(run_id, RunState.FAILED, fence=first, actor="a")
    assert not ledger.heartbeat(run_id, fence=first) and ledger.heartbeat(run_id, fence=second)
    with pytest.raises(Refused, match="only an executor"):
        ledger.append(run_id, EventKind.DONE, fence=0, actor="somebody")
    ledger.append(run_id, EventKind.NOTE, body={"text": "hello"}, fence=0, actor="somebody")


def test_a_run_that_ended_takes_no_more(ledger: LedgerWriter) -> None:
    run_id = finished(ledger)
    with pytest.raises(Refused, match="has ended"):
        ledger.command(run_id, Command.PAUSE, by="ben")
    with pytest.raises(Refused, match="has ended"):
        ledger.acquire(run_id, actor="late")
    with pytest.raises(Refused, match="cannot become"):
        ledger.transition(run_id, RunState.RUNNING, fence=1, actor="late")
    assert ledger.past_seconds("demo", "api") == (1.5,)
    assert ledger.run(run_id).metrics == {"downtime_seconds": 0.0}


@pytest.mark.parametrize("state", [RunState.NEEDS_OPERATOR, RunState.PAUSED])
def test_an_emergency_supersedes_a_run_that_waits_for_a_person(ledger: LedgerWriter, state: RunState) -> None:
    old = submit(ledger)
    with locked(lock_path(ledger.directory, "demo/api")):
        token = ledger.acquire(old, actor="x")
        ledger.transition(old, RunState.RUNNING, fence=token, actor="x")
        ledger.append(old, EventKind.INTENT, step=2, body={"key": "k"}, fence=token, actor="x")
        ledger.transition(old, state, fence=token, actor="x")
        with pytest.raises(Busy):
            submit(ledger, supersede=True)
    with pytest.raises(Busy):
        submit(ledger)
    new = submit(ledger, supersede=True)
    assert ledger.run(old).state is RunState.FAILED, "it had changed something"
    assert new in str(ledger.run(old).metrics["ended_because"])
    assert EventKind.LOCK_STOLEN in [event.kind for event in ledger.events(old)]
    assert ledger.active_on("demo/api").id == new  # type: ignore[union-attr]
    with pytest.raises(LostLock):
        ledger.append(old, EventKind.DONE, step=2, fence=token, actor="x")
    assert ledger.verify().intact


def test_a_run_just_submitted_is_not_superseded(ledger: LedgerWriter) -> None:
    submit(ledger)
    with pytest.raises(Busy):
        submit(ledger, supersede=True)


def test_closing_by_hand_needs_a_reason(ledger: LedgerWriter) -> None:
    run_id = submit(ledger)
    token = ledger.acquire(run_id, actor="x")
    ledger.finish(run_id, RunState.NEEDS_OPERATOR, fence=token, actor="x", reason="stuck")
    with pytest.raises(UsageError, match="reason"):
        ledger.close_run(run_id, by="anna", reason=" ")
    ledger.close_run(run_id, by="anna", reason="started the old container by hand")
    assert ledger.run(run_id).state is RunState.ABORTED
    assert submit(ledger) != run_id


def test_commands_are_taken_once_and_abort_is_refused_after_a_change(ledger: LedgerWriter) -> None:
    run_id = submit(ledger)
    row = ledger.command(run_id, Command.PAUSE, by="ben", reason="wait\x1b[31m")
    assert [one.id for one in ledger.pending_commands(run_id)] == [row.id] and "\x1b" not in row.reason
    assert ledger.take_command(row.id) and not ledger.take_command(row.id)
    token = ledger.acquire(run_id, actor="x")
    ledger.append(run_id, EventKind.INTENT, step=2, body={"key": "k"}, fence=token, actor="x")
    with pytest.raises(Refused, match="back it out"):
        ledger.command(run_id, Command.ABORT, by="ben")
    ledger.append(run_id, EventKind.UNDONE, step=2, fence=token, actor="x")
    ledger.command(run_id, Command.ABORT, by="ben")


def test_names_of_runs(ledger: LedgerWriter) -> None:
    run_id = submit(ledger)
    assert ledger.find(run_id) == ledger.find(run_id[-6:].lower()) == run_id
    for name in ("ZZZZZZ", "", "%", "\x1b]0;x\x07"):
        with pytest.raises(UnknownNameError):
            ledger.find(name)
    with pytest.raises(UnknownNameError):
        ledger.run("nope")
    with pytest.raises(UnknownNameError):
        ledger.view("nope")


def test_history_in_pages_by_order_of_arrival(ledger: LedgerWriter) -> None:
    assert ledger.import_runs(past_runs(500)) == 500
    first = ledger.runs(RunQuery(environment="demo", limit=100))
    second = ledger.runs(RunQuery(environment="demo", limit=100, before=first.runs[-1].id))
    assert first.total == second.total == 450
    jumped = ledger.runs(RunQuery(environment="demo", limit=100, upto=first.runs[0].id, offset=100))
    assert jumped.runs == second.runs
    assert first.runs[0].id > first.runs[-1].id > second.runs[0].id
    assert ledger.runs(RunQuery(text="incident 499:")).total == 1
    assert (
        ledger.runs(RunQuery(text="BEN incident 401:")).total == 0
        and ledger.runs(RunQuery(text="carla 401:")).total == 1
    )
    assert ledger.runs(RunQuery(text="100%")).total == 0 and ledger.runs(RunQuery(text="_")).total == 0
    assert ledger.runs(RunQuery(states=("failed",), drill=True)).total == 25
    with pytest.raises(UsageError, match="have ended"):
        run, plan = past_runs(1)[0]
        ledger.import_runs([(run.model_copy(update={"state": RunState.RUNNING}), plan)])


def test_a_clock_that_jumps_moves_no_order(ledger: LedgerWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 15: an hour back between two runs, and within one."""
    from datetime import timedelta

    from actions.ledger import journaling, submitting, tables

    first = finished(ledger)
    for module in (tables, journaling, submitting):
        monkeypatch.setattr(module, "now", lambda: datetime.now(UTC) - timedelta(hours=1))
    second = finished(ledger)
    assert [run.id for run in ledger.runs(RunQuery()).runs] == [second, first]
    sequence = [event.seq for event in ledger.events(second)]
    assert sequence == sorted(sequence) and ledger.verify().intact


def test_a_heartbeat_is_judged_by_the_monotonic_clock(ledger: LedgerWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 15: the wall clock is an hour ahead, and the executor is as alive as before."""
    from datetime import timedelta

    from actions.ledger import journaling

    run_id = submit(ledger)
    with locked(lock_path(ledger.directory, "demo/api")):
        monkeypatch.setattr(journaling, "now", lambda: datetime.now(UTC) - timedelta(hours=1))
        token = ledger.acquire(run_id, actor="x")
        ledger.heartbeat(run_id, fence=token)
        assert ledger.executor(run_id).state == "alive"
    assert ledger.executor(run_id).state == "dead"


def test_facts_come_back_as_they_were_kept(ledger: LedgerWriter) -> None:
    at = datetime(2025, 1, 1, tzinfo=UTC)
    release = Release(
        environment="demo",
        service="api",
        version="1.0",
        reference="r1",
        verdict=Verdict.GOOD,
        first_seen=at,
        last_seen=at,
    )
    newer = release.model_copy(update={"reference": "r2", "last_seen": at.replace(day=2)})
    for one in (newer, release, release.model_copy(update={"samples": 3})):
        ledger.save_release(one)
    assert [(one.reference, one.samples) for one in ledger.releases("demo", "api")] == [("r2", 0), ("r1", 3)]
    note = ChangeNote(environment="demo", at=at, kind="release", subject="api", text="1.1 seen")
    ledger.note_change(note)
    assert ledger.changes("demo") == (note,) and ledger.changes("other") == ()
    drill = Drill(id="d1", environment="demo", scenario="bad-release", operator="anna", started_at=at)
    ledger.save_drill(drill)
    ledger.save_drill(drill.model_copy(update={"score": 80}))
    assert [one.score for one in ledger.drills("demo")] == [80]


def test_the_outbox_keeps_what_was_not_delivered(ledger: LedgerWriter) -> None:
    first = ledger.queue_notice("demo", None, "desk", "it broke", {"a": 1})
    second = ledger.queue_notice("demo", None, "desk", "it works")
    assert [one.id for one in ledger.due_notices()] == [first.id, second.id]
    ledger.notice_failed(first.id, "refused\x07")
    ledger.notice_sent(second.id)
    assert ledger.due_notices() == ()
    waiting = ledger.notices(unsent_only=True)
    assert [(one.id, one.attempts) for one in waiting] == [(first.id, 1)]
    assert waiting[0].next_attempt_at is not None and "\x07" not in waiting[0].error


def test_a_notice_of_a_run_is_queued_once_however_much_is_queued_between(ledger: LedgerWriter) -> None:
    assert ledger.queue_notice_once("demo", "RUN", "desk", "it broke\x07")
    for number in range(600):
        ledger.queue_notice("demo", None, "desk", f"noise {number}")
    assert not ledger.queue_notice_once("demo", "RUN", "desk", "it broke\x07")
    assert ledger.queue_notice_once("demo", "OTHER", "desk", "it broke") and len(ledger.due_notices(1_000)) == 602


def test_the_keeper_lives_as_long_as_its_lock(ledger: LedgerWriter) -> None:
    assert not ledger.keeper().alive
    with locked(ledger.directory / "keeper.lock"):
        ledger.beat_keeper()
        since = ledger.keeper().since
        ledger.beat_keeper()
        seen = ledger.keeper()
        assert seen.alive and seen.pid == os.getpid() and seen.since == since
    assert not ledger.keeper().alive


def test_a_reader_sees_news_and_cannot_write(ledger: LedgerWriter, directory: Path) -> None:
    with open_reader(directory) as reader:
        before = reader.data_version()
        assert reader.data_version() == before
        run_id = submit(ledger)
        assert reader.data_version() != before
        assert len(reader.events(run_id)) == 3 and len(reader.events(run_id, after=2)) == 1
        with reader._read() as connection, pytest.raises(Exception, match="readonly"):
            connection.exec_driver_sql("DELETE FROM run")
        assert not hasattr(reader, "submit")


def test_events_are_never_changed(ledger: LedgerWriter) -> None:
    finished(ledger)
    for statement in ("UPDATE event SET actor = 'x'", "DELETE FROM event"):
        with pytest.raises(LedgerError, match="events are never"), ledger._write() as connection:
            connection.exec_driver_sql(statement)


def test_files_are_private(ledger: LedgerWriter, directory: Path) -> None:
    finished(ledger)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for path in directory.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
