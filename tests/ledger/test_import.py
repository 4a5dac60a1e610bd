"""Runs of the emergency ledger come into the ledger whole, once, with their verdicts and conflicts."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from actions.desk.bring_in import bring_in
from actions.desk.waiting import waiting
from actions.ledger import open_reader, open_writer
from actions.ledger.chain import event_hash
from actions.ledger.locks import lock_path, locked
from actions.ledger.rows import body_text
from actions.ledger.writer import LedgerWriter
from actions.model.errors import LedgerError
from actions.model.glass import BrokenGlass
from actions.model.plan import Release
from actions.model.record import RunQuery
from actions.model.run import EventKind
from actions.model.words import RunState, Verdict
from actions.releases.observe import marked_bad
from tests.ledger.filling import past_runs, submit
from tests.ledger.plans import make_plan
from tests.ledger.test_damage import forge, rewritten_tail
from tests.releases.making import release

CONFIG = Path("/etc/x.toml")
BAD, GOOD = "sha256:11", "sha256:10"


@pytest.fixture
def emergency(tmp_path: Path) -> Path:
    return tmp_path / "glass" / "own"


def seen(version: str, reference: str, verdict: Verdict = Verdict.CANDIDATE) -> Release:
    return release(version, verdict).model_copy(update={"environment": "demo", "reference": reference})


def broken_run(emergency: Path, main: Path, *, end: RunState | None = RunState.SUCCEEDED) -> str:
    """A rollback from 1.1, which it marks bad, to 1.0 in the emergency ledger."""
    with open_writer(emergency) as ledger:
        ledger.glass = BrokenGlass(ledger=str(main), problem="it is read-only here")
        plan = make_plan(pins={"from": BAD, "to": GOOD})
        run_id = submit(ledger, plan)
        if end is None:
            return run_id
        with locked(lock_path(emergency, "demo/api")):
            token = ledger.acquire(run_id, actor="tests")
            ledger.transition(run_id, RunState.RUNNING, fence=token, actor="tests")
            ledger.append(run_id, EventKind.INTENT, step=2, body={"title": "zurück"}, fence=token, actor="tests")
            ledger.save_release(marked_bad(seen("1.1", BAD), "errors", run_id, datetime.now(UTC)))
            ledger.save_release(seen("1.0", GOOD))
            ledger.queue_notice("demo", run_id, "oncall", "rolled back")
            ledger.finish(run_id, end, {"lost_writes": 0}, fence=token, actor="tests", seconds=1.5)
    return run_id


def test_a_run_comes_whole_with_its_verdict_and_only_once(ledger: LedgerWriter, emergency: Path) -> None:
    ledger.save_release(
        seen("1.1", BAD, Verdict.GOOD).model_copy(update={"last_seen": datetime(2024, 1, 1, tzinfo=UTC)})
    )
    run_id = broken_run(emergency, ledger.directory)
    with open_reader(emergency) as there:
        before, original = there.view(run_id), there.events(run_id)
    assert waiting(emergency, ledger.directory).startswith("1 run made under broken glass waits")
    report = bring_in(ledger, emergency, CONFIG, by="anna")
    assert (report.imported, report.conflicts) == ((run_id,), ())
    assert ledger.verify().intact and ledger.run(run_id).broke_glass
    view = ledger.view(run_id)
    assert [one.state for one in view.steps] == [one.state for one in before.steps]
    assert (view.run.state, view.run.seconds, view.clock) == (before.run.state, 1.5, before.clock)
    rows = {one.reference: one for one in ledger.releases("demo", "api")}
    assert (rows[BAD].verdict, rows[BAD].verdict_run) == (Verdict.BAD, run_id) and GOOD in rows
    assert BAD in ledger.left_behind("demo", "api")
    assert [one.text for one in ledger.notices(unsent_only=True)] == ["rolled back"]
    for was, now in zip(original, ledger.events(run_id), strict=False):
        kept = now.body["original"]
        assert isinstance(kept, dict) and (kept["seq"], kept["hash"]) == (was.seq, was.hash)
        body = body_text({name: value for name, value in now.body.items() if name != "original"})
        assert event_hash(now.model_dump(mode="json") | kept | {"body": body}) == was.hash, (
            "its first hash still proves it"
        )
    assert Path(report.kept).is_dir() and not emergency.exists()
    again = bring_in(ledger, emergency, CONFIG, by="anna")
    assert again.imported == () and ledger.runs(RunQuery()).total == 1
    assert waiting(emergency, ledger.directory) == ""


def test_the_glass_stands_in_the_journal_before_the_approval(ledger: LedgerWriter, emergency: Path) -> None:
    run_id = broken_run(emergency, ledger.directory, end=None)
    with open_reader(emergency) as there:
        first = there.events(run_id)[:3]
    assert [one.kind for one in first] == ["planned", "break-glass", "approved"]
    assert first[1].body | {"by": "anna", "problem": "it is read-only here"} == first[1].body


def test_an_active_run_and_one_of_another_system_are_left_and_named(ledger: LedgerWriter, emergency: Path) -> None:
    ended = broken_run(emergency, ledger.directory)
    active = broken_run(emergency, ledger.directory, end=None)
    report = bring_in(ledger, emergency, CONFIG, by="anna")
    assert (report.imported, report.active, report.kept) == ((ended,), (active,), "")
    assert waiting(emergency, ledger.directory).startswith("1 run ")
    with open_writer(emergency) as there:
        there.close_run(active, by="anna", reason="nothing was touched")
    assert bring_in(ledger, emergency, CONFIG, by="anna").known == (ended,)
    foreign = broken_run(emergency, Path("/somewhere/else"))
    report = bring_in(ledger, emergency, Path("/etc/y.toml"), by="anna")
    assert (report.others, report.kept) == ((foreign,), "")


def test_a_crash_between_two_runs_is_gone_on_from(
    ledger: LedgerWriter, emergency: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [broken_run(emergency, ledger.directory) for _ in range(2)]

    class Died(BaseException):
        pass

    def die(name: str) -> None:
        raise Died(name)

    monkeypatch.setattr("actions.desk.bring_in.crashpoint", die)
    for _ in runs:
        with pytest.raises(Died, match="after-run"):
            bring_in(ledger, emergency, CONFIG, by="anna")
    with pytest.raises(Died, match="before-aside"):
        bring_in(ledger, emergency, CONFIG, by="anna")
    monkeypatch.undo()
    report = bring_in(ledger, emergency, CONFIG, by="anna")
    assert list(report.known) == runs and report.kept and ledger.verify().intact
    assert [one.id for one in reversed(ledger.runs(RunQuery()).runs)] == runs


def test_what_happened_here_meanwhile_is_flagged_and_recorded(ledger: LedgerWriter, emergency: Path) -> None:
    run_id, now = broken_run(emergency, ledger.directory), datetime.now(UTC)
    one, plan = past_runs(1)[0]
    beside = one.model_copy(update={"created_at": now - timedelta(minutes=1), "ended_at": now + timedelta(minutes=1)})
    ledger.import_runs([(beside, plan)])
    ledger.save_release(seen("1.2", "sha256:12").model_copy(update={"last_seen": now + timedelta(seconds=30)}))
    ledger.save_release(seen("0.9", "sha256:9").model_copy(update={"last_seen": now - timedelta(days=1)}))
    report = bring_in(ledger, emergency, CONFIG, by="anna")
    overlap, newer = report.conflicts
    assert "overlaps in time with run" in overlap and "anna" in overlap
    assert "1.2 was observed serving api" in newer and "1.0 serving" in newer
    assert ledger.events(run_id)[-1].kind == "imported"
    assert ledger.events(run_id)[-1].body["conflicts"] == list(report.conflicts)
    assert ledger.run(run_id).metrics["conflicts"] == list(report.conflicts)


@pytest.mark.parametrize("how", ["changed", "cut off", "no database"])
def test_a_damaged_emergency_ledger_brings_nothing_in(ledger: LedgerWriter, emergency: Path, how: str) -> None:
    broken_run(emergency, ledger.directory)
    if how == "changed":
        forge(emergency, "UPDATE event SET body = replace(body, 'zurück', 'mallory')")
    elif how == "cut off":
        rewritten_tail(emergency, 1)
    else:
        (emergency / "ledger.sqlite").write_bytes(b"no database " * 500)
    with pytest.raises(LedgerError, match="is damaged.*nothing was brought in.*keep it as evidence"):
        bring_in(ledger, emergency, CONFIG, by="anna")
    assert ledger.runs(RunQuery()).total == 0 and emergency.exists()


def test_nothing_comes_into_a_ledger_that_still_refuses(ledger: LedgerWriter, emergency: Path) -> None:
    broken_run(emergency, ledger.directory)
    broken_run(emergency, ledger.directory)
    submit(ledger)
    rewritten_tail(ledger.directory, 1)
    with open_writer(ledger.directory) as damaged:
        forge(ledger.directory, "UPDATE event SET actor = 'mallory'")
        with pytest.raises(LedgerError, match="no run starts on it"):
            bring_in(damaged, emergency, CONFIG, by="anna")
    assert emergency.exists()


def test_a_key_that_was_used_here_since_is_no_obstacle(ledger: LedgerWriter, emergency: Path) -> None:
    with open_writer(emergency) as there:
        there.glass = BrokenGlass(ledger=str(ledger.directory), problem="read-only")
        run_id = submit(there, key="press-1")
        there.close_run(run_id, by="anna", reason="by hand")
    submit(ledger, key="press-1", plan=make_plan(target="demo/other"))
    assert bring_in(ledger, emergency, CONFIG, by="anna").imported == (run_id,)
    assert json.loads(body_text(ledger.run(run_id).metrics))["break_glass"] is True
