"""Executors that load before their run is known: given one run, gone with their starter, in nobody's way."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from actions.model.environment import Environment
from actions.model.words import RunState
from actions.runner.launch import launch, prepare
from actions.runner.prepared import PreparedExecutor
from tests.runner.carrying import Bench, standard_plan
from tests.runner.test_processes import MODULE, begin, ended, live, wait

__all__ = ["live"]
STARTER = (
    "import sys; from pathlib import Path; from actions.model.environment import Environment;"
    f"from actions.runner.launch import prepare; prepare(Path(sys.argv[1]), Environment(), module='{MODULE}');"
    "print('started', flush=True); sys.stdin.read()"
)


def prepared_processes(directory: Path) -> list[psutil.Process]:
    """Prepared executors of that ledger, by their arguments, once they have left the process that started them."""
    every = psutil.process_iter(["cmdline", "ppid"])
    words = [(one, " ".join(one.info["cmdline"] or ())) for one in every if one.info["ppid"] != os.getpid()]
    return [process for process, line in words if str(directory) in line and "--prepared" in line]


@pytest.fixture
def prepared(live: Bench) -> Iterator[PreparedExecutor]:
    made = prepare(live.directory, Environment(), module=MODULE)
    assert made is not None
    wait(lambda: prepared_processes(live.directory))
    yield made
    made.close()
    wait(lambda: not prepared_processes(live.directory))


def test_it_carries_out_the_run_it_is_given(live: Bench, prepared: PreparedExecutor) -> None:
    run_id = live.submit(standard_plan())
    waiting = {process.pid for process in prepared_processes(live.directory)}
    launch(live.directory, run_id, module=MODULE, prepared=prepared)
    ended(live, run_id, RunState.SUCCEEDED)
    executors = {event.body["pid"] for event in live.ledger.events(run_id) if "pid" in event.body}
    assert executors and executors <= waiting
    log = live.directory / "runs" / run_id / "executor.log"
    wait(lambda: "succeeded" in log.read_text())
    assert log.stat().st_mode & 0o777 == 0o600


def test_it_is_given_one_run_only(live: Bench, prepared: PreparedExecutor) -> None:
    first, second = live.submit(standard_plan()), None
    launch(live.directory, first, module=MODULE, prepared=prepared)
    ended(live, first, RunState.SUCCEEDED)
    assert not prepared.waiting
    second = live.submit(standard_plan())
    launch(live.directory, second, module=MODULE, prepared=prepared)
    ended(live, second, RunState.SUCCEEDED)


def test_one_that_died_is_replaced(live: Bench, prepared: PreparedExecutor) -> None:
    for process in prepared_processes(live.directory):
        process.kill()
    wait(lambda: not prepared.waiting)
    run_id = live.submit(standard_plan())
    launch(live.directory, run_id, module=MODULE, prepared=prepared)
    ended(live, run_id, RunState.SUCCEEDED)


def test_it_holds_nothing_while_it_waits(live: Bench, prepared: PreparedExecutor) -> None:
    run_id, _ = begin(live)
    live.world.flag("go").touch()
    ended(live, run_id, RunState.SUCCEEDED)
    assert prepared.waiting
    (process,) = prepared_processes(live.directory)
    assert not [file.path for file in process.open_files() if file.path.startswith(str(live.directory))]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_starter(live: Bench, number: signal.Signals) -> None:
    words = [sys.executable, "-c", STARTER, str(live.directory)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None and starter.stdout.readline() == b"started\n"
        wait(lambda: prepared_processes(live.directory))
        os.kill(starter.pid, number)
    wait(lambda: not prepared_processes(live.directory))
