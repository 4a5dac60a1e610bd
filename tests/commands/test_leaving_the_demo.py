"""A console of the demo that is left in the middle of a run: the stack waits for it, and what does not end is said."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.model.run import Executor
from actions.model.words import RunState
from tests.ledger.plans import make_plan, step
from tests.runner.carrying import Bench
from vq_tui.commands import demo
from vq_tui.commands.output import Output


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    before = signal.getsignal(signal.SIGINT)
    made = Bench(tmp_path)
    yield made
    made.close()
    signal.signal(signal.SIGINT, before)


def submit(bench: Bench) -> str:
    plan = make_plan(step(1, "lock", changes=False)).model_copy(update={"environment": demo.ENVIRONMENT})
    return bench.submit(plan)


def alive(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    from actions.ledger.facts import FactsReading

    monkeypatch.setattr(FactsReading, "executor", lambda *_: Executor(state="alive", pid=1))


@pytest.mark.parametrize("executor", ["alive", "none"])
def test_it_waits_until_the_run_has_ended_also_while_its_executor_starts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], executor: str
) -> None:
    run = submit(bench)
    if executor == "alive":
        alive(monkeypatch, bench)
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            assert bench.run(run) is RunState.SUCCEEDED

    monkeypatch.setattr(demo.time, "sleep", pause)
    demo._let_it_end(Output(), bench.directory)
    assert len(waited) == 3
    assert capsys.readouterr().err == f"the stack stays until run {run[-6:]} has ended; ctrl+c takes both down now\n"


def test_a_run_that_nobody_carries_on_is_not_waited_for_and_is_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("screens.steers.START_SECONDS", 0.0)
    run = submit(bench)
    demo._let_it_end(Output(), bench.directory)
    assert capsys.readouterr().err == f"run {run[-6:]} has not ended (queued): it goes with the stack\n"


def test_without_a_run_nothing_is_said(bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo._let_it_end(Output(), bench.directory)
    demo._let_it_end(Output(), tmp_path / "no ledger here")
    assert capsys.readouterr().err == ""
