"""Ledgers of every earlier format are opened, read, verified, and their open runs resumed or undone."""

import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.ledger import open_reader, open_writer
from actions.ledger.writer import LedgerWriter
from actions.model.record import RunQuery
from actions.model.words import Command, RunState, Verdict
from actions.runner.progress import RunProgress
from actions.runner.session import hold
from actions.steps.registry import registry
from tests.ledger.plans import make_plan
from tests.runner.carrying import SLOTS, Bench
from tests.runner.journal_checker import check_journal
from tests.runner.world import NEW, OLD, World

GOLDEN = Path(__file__).parent / "golden"
FORMATS = sorted(path.name.removesuffix(".tar.xz") for path in GOLDEN.glob("v*.tar.xz"))

ENDED = {
    "succeeded": RunState.SUCCEEDED,
    "undone": RunState.UNDONE,
    "aborted": RunState.ABORTED,
    "closed": RunState.FAILED,
}
FORWARD = ("interrupted", "interrupted-before", "interrupted-after", "queued", "asked", "paused")


@pytest.fixture(params=FORMATS)
def unpacked(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(GOLDEN / f"{request.param}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture
def golden(unpacked: Path) -> Iterator[Bench]:
    bench = Bench(unpacked)
    yield bench
    bench.close()


def named(bench: Bench) -> dict[str, str]:
    """Ids of the runs by the name of their target."""
    return {run.target.removeprefix("demo/"): run.id for run in bench.ledger.runs(RunQuery()).runs}


def on(bench: Bench, name: str) -> World:
    bench.world = World(bench.directory.parent / "worlds" / name)
    return bench.world


def test_there_is_a_golden_ledger() -> None:
    assert "v1" in FORMATS


def test_everything_in_it_is_read(golden: Bench) -> None:
    ledger = golden.ledger
    runs = named(golden)
    assert {name: ledger.run(runs[name]).state for name in ENDED} == ENDED
    assert set(runs) == {*ENDED, *FORWARD, "stuck", "interrupted-undoing"}
    for name, run_id in runs.items():
        view = ledger.view(run_id)
        assert view.plan.target == f"demo/{name}" and len(view.steps) == 5 and len(view.events) >= 3
        assert ledger.request(run_id).key == f"key of {name}" and ledger.asked_with(f"key of {name}") == run_id
    assert {one.version: one.verdict for one in ledger.releases("demo", "api")} == {
        "1.0": Verdict.GOOD,
        "1.1": Verdict.BAD,
        "1.2": Verdict.CANDIDATE,
    }
    assert [one.text for one in ledger.changes("demo")] == ["1.1 seen"]
    assert [one.score for one in ledger.drills("demo")] == [80]
    assert [(one.attempts, one.error) for one in ledger.notices(unsent_only=True)] == [(1, "no answer")]
    assert [gate.answer for gate in ledger.gates(runs["asked"])] == ["yes", None]
    assert set(ledger.left_behind("demo", "api")) == {"sha256:11"}
    assert ledger.keeper().host and len(ledger.past_seconds("demo", "api")) == 1


def test_it_is_verified(golden: Bench) -> None:
    report = golden.ledger.verify()
    assert report.intact and report.events > 100
    with open_reader(golden.directory) as reader:
        assert reader.verify() == report


@pytest.mark.parametrize("name", FORWARD)
def test_an_open_run_is_resumed(golden: Bench, name: str) -> None:
    run_id, world = named(golden)[name], on(golden, name)
    assert golden.resume(run_id) is RunState.SUCCEEDED
    assert world.values(SLOTS) == {NEW}
    assert all(world.effects().count(one) == 1 for one in world.effects())
    check_journal(golden.ledger)


def test_an_interrupted_undo_is_gone_on_with(golden: Bench) -> None:
    run_id, world = named(golden)["interrupted-undoing"], on(golden, "interrupted-undoing")
    assert golden.run(run_id) is RunState.UNDONE
    assert world.values(SLOTS) == {OLD}
    check_journal(golden.ledger)


@pytest.mark.parametrize("name", ["interrupted", "paused"])
def test_an_open_run_is_backed_out(golden: Bench, name: str) -> None:
    run_id, world = named(golden)[name], on(golden, name)
    golden.ledger.command(run_id, Command.BACK_OUT, by="ben")
    assert golden.run(run_id) in (RunState.UNDONE, RunState.ABORTED)
    assert world.values(SLOTS) == {OLD}
    check_journal(golden.ledger)


def test_a_run_that_waits_for_a_person_is_closed(golden: Bench) -> None:
    run_id = named(golden)["stuck"]
    golden.ledger.close_run(run_id, by="ben", reason="put right by hand")
    assert golden.ledger.run(run_id).state is RunState.FAILED
    check_journal(golden.ledger)


def test_new_runs_are_added_to_it(golden: Bench) -> None:
    on(golden, "new")
    run_id = golden.submit(make_plan(target="demo/new"), key="key of new")
    assert golden.run(run_id) is RunState.SUCCEEDED
    check_journal(golden.ledger)


def test_a_forged_plan_is_noticed(golden: Bench) -> None:
    from tests.ledger.test_damage import forge

    run_id = named(golden)["succeeded"]
    forge(golden.directory, f"UPDATE plan SET plan = replace(plan, 'errors', 'orders') WHERE run_id = '{run_id}'")
    report = golden.ledger.verify()
    assert not report.intact and run_id in report.problem


def test_the_maker_makes_what_is_read_here(tmp_path: Path) -> None:
    """The next format's golden ledger is made by the same words."""
    from tests.ledger.golden.make import make

    make(tmp_path)
    with open_reader(tmp_path / "ledger") as reader:
        assert reader.verify().intact
        assert {run.target.removeprefix("demo/") for run in reader.runs(RunQuery()).runs} == {
            *ENDED,
            *FORWARD,
            "stuck",
            "interrupted-undoing",
        }
        assert json.loads(reader.plan(reader.runs(RunQuery()).runs[0].id).model_dump_json())["pins"]["to"]


@pytest.fixture(params=sorted(path.name for path in GOLDEN.glob("rollbacks-*.tar.xz")))
def rollbacks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LedgerWriter]:
    with tarfile.open(GOLDEN / request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    with open_writer(tmp_path / "ledger") as ledger:
        yield ledger


def test_real_rollbacks_are_read_and_verified(rollbacks: LedgerWriter) -> None:
    runs = rollbacks.runs(RunQuery()).runs
    assert Counter(run.state for run in runs) == Counter(
        {RunState.SUCCEEDED: 2, RunState.ABORTED: 2, RunState.UNDONE: 1, RunState.RUNNING: 1}
    )
    for run in runs:
        view = rollbacks.view(run.id)
        assert {one.step.kind for one in view.steps} <= registry.keys() and view.run == run
    assert rollbacks.executor(runs[0].id).state == "dead"
    assert sum(run.drill for run in runs) == 1 and rollbacks.drills("sandbox")[0].passed is not None
    assert (
        rollbacks.releases("sandbox", "api")
        and rollbacks.changes("sandbox")
        and rollbacks.left_behind("sandbox", "api")
    )
    assert rollbacks.verify().intact


def test_an_interrupted_real_rollback_gets_another_executor_and_is_closed(rollbacks: LedgerWriter) -> None:
    run = rollbacks.runs(RunQuery()).runs[0]
    before = rollbacks.executor(run.id).token
    with hold(rollbacks, run.id) as token:
        assert before is not None and token == before + 1
        progress = RunProgress(rollbacks.plan(run.id), rollbacks.events(run.id))
        assert progress.changed and not progress.undoing
    rollbacks.close_run(run.id, by="ben", reason="switched by hand")
    assert rollbacks.run(run.id).state is RunState.FAILED and rollbacks.verify().intact
