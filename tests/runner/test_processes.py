"""Executors as processes of their own: terminals vanish, processes die, stop, and race."""

import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from actions.ledger.place import DATABASE
from actions.ledger.processes import process_facts
from actions.model.errors import Busy, ExitCode, Refused
from actions.model.plan import Plan
from actions.model.run import EventKind
from actions.model.waiting import Deadline
from actions.model.words import Command, RunState
from actions.runner.launch import launch
from actions.runner.session import hold
from actions.runner.steer import take_over
from tests.ledger.plans import make_plan, step
from tests.runner.carrying import SLOTS, Bench, standard_plan
from tests.runner.journal_checker import check_journal
from tests.runner.world import NEW, OLD

MODULE = "tests.runner.fake_executor"
ROOT = Path(__file__).parents[2]


def wait(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = Deadline(seconds)
    while not condition():
        assert not deadline.passed, f"not within {seconds} s"
        time.sleep(0.02)


@pytest.fixture
def live(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench whose executors are processes; whatever is left of them at the end is ended."""
    monkeypatch.setenv("VQ_TEST_WORLD", str(bench.world.directory))
    yield bench
    bench.world.flag("go").touch()
    for event in _acquisitions(bench):
        facts = process_facts(int(str(event.body["pid"])))
        if facts is not None and facts[1] == event.body["pid_start"]:
            os.kill(int(str(event.body["pid"])), signal.SIGKILL)


def _acquisitions(bench: Bench):  # type: ignore[no-untyped-def]
    from actions.model.record import RunQuery

    for run in bench.ledger.runs(RunQuery()).runs:
        for event in bench.ledger.events(run.id):
            if event.kind is EventKind.LOCK_ACQUIRED and event.body["pid"] != os.getpid():
                yield event


def waiting_plan() -> Plan:
    """Waits in its fourth step, for as long as a busy machine needs to start other processes beside it."""
    plan = standard_plan(look={"wait": True})
    patient = [[one.model_copy(update={"budget_seconds": 120.0}) for one in phase.steps] for phase in plan.phases]
    phases = zip(plan.phases, patient, strict=True)
    return plan.model_copy(
        update={"phases": tuple(phase.model_copy(update={"steps": tuple(steps)}) for phase, steps in phases)}
    )


def begin(bench: Bench, plan: Plan | None = None) -> tuple[str, int]:
    """Launch a run that waits in its fourth step; its id and the executor's pid."""
    run_id = bench.submit(plan or waiting_plan())
    launch(bench.directory, run_id, module=MODULE)
    wait(lambda: bench.world.flag("began-4").exists() or bench.world.flag("child").exists())
    pid = bench.ledger.executor(run_id).pid
    assert pid is not None
    return run_id, pid


def ended(bench: Bench, run_id: str, state: RunState) -> None:
    wait(lambda: bench.ledger.run(run_id).state.terminal)
    assert bench.ledger.run(run_id).state is state, (bench.directory / "runs" / run_id / "executor.log").read_text()
    wait(lambda: bench.ledger.executor(run_id).state == "none")


LAUNCHER = (
    "import sys, time; from pathlib import Path; from actions.runner.launch import launch;"
    f"launch(Path(sys.argv[1]), sys.argv[2], module='{MODULE}'); print('launched', flush=True); time.sleep(600)"
)


def test_the_terminal_of_the_console_vanishes(live: Bench) -> None:
    """Row 1: the run goes on, and everything of it can be read afterwards."""
    run_id = live.submit(waiting_plan())
    pid, master = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", LAUNCHER, str(live.directory), run_id])
    wait(lambda: live.world.flag("began-4").exists())
    os.close(master)
    wait(lambda: os.waitpid(pid, os.WNOHANG) != (0, 0))
    live.world.flag("go").touch()
    ended(live, run_id, RunState.SUCCEEDED)
    assert live.world.values(SLOTS) == {NEW}
    check_journal(live.ledger, live.world)
    log = live.directory / "runs" / run_id / "executor.log"
    assert "succeeded" in log.read_text() and log.stat().st_mode & 0o777 == 0o600


def test_the_console_is_killed(live: Bench) -> None:
    """Row 2."""
    run_id = live.submit(waiting_plan())
    console = subprocess.Popen([sys.executable, "-c", LAUNCHER, str(live.directory), run_id])
    wait(lambda: live.world.flag("began-4").exists())
    console.kill()
    console.wait()
    executor = live.ledger.executor(run_id)
    assert executor.state == "alive" and executor.pid is not None
    assert os.getsid(executor.pid) not in (os.getsid(0), console.pid), "in a session of its own"
    assert os.readlink(f"/proc/{executor.pid}/fd/0") == "/dev/null" and os.readlink(f"/proc/{executor.pid}/cwd") == "/"
    os.kill(executor.pid, signal.SIGHUP)
    live.world.flag("go").touch()
    ended(live, run_id, RunState.SUCCEEDED)
    check_journal(live.ledger, live.world)


@pytest.mark.parametrize("point", ["intent.2+clock.0.before", "effect.3.middle", "acted.5.after", "9"])
def test_the_executor_is_killed_at_a_crash_point(live: Bench, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """Row 4, with real processes; the sweep over all points is in test_crashes."""
    run_id = live.submit()
    monkeypatch.setenv("VQ_CRASH_AT", point)
    launch(live.directory, run_id, module=MODULE)
    wait(lambda: live.ledger.executor(run_id).state == "dead")
    monkeypatch.delenv("VQ_CRASH_AT")
    launch(live.directory, run_id, module=MODULE)
    ended(live, run_id, RunState.SUCCEEDED)
    assert live.world.values(SLOTS) == {NEW}
    check_journal(live.ledger, live.world)


def test_a_child_keeps_the_lock_of_its_dead_executor(live: Bench) -> None:
    """Row 5."""
    run_id, pid = begin(live, make_plan(step(1, "lock", changes=False), step(2, "child")))
    os.kill(pid, signal.SIGKILL)
    wait(lambda: process_facts(pid) is None or process_facts(pid)[0] == "Z")  # type: ignore[index]
    seen = live.ledger.executor(run_id)
    assert seen.state == "slow" and "child" in seen.detail
    with pytest.raises(Busy), hold(live.ledger, run_id):
        pass
    live.world.flag("go").touch()
    wait(lambda: live.ledger.executor(run_id).state == "dead")
    launch(live.directory, run_id, module=MODULE)
    ended(live, run_id, RunState.SUCCEEDED)
    assert live.world.effects() == [("do", f"{run_id}.2")]
    check_journal(live.ledger, live.world)


def stop_between_writes(live: Bench, pid: int) -> None:
    """Stop the executor where it holds its target and nothing else: one stopped in a write holds the whole ledger."""

    def at_rest() -> bool:
        os.kill(pid, signal.SIGSTOP)
        wait(lambda: (process_facts(pid) or " ")[0] == "T")
        try:
            with closing(sqlite3.connect(live.directory / DATABASE, timeout=0.1, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
            return True
        except sqlite3.OperationalError:
            os.kill(pid, signal.SIGCONT)
            return False

    wait(at_rest)


def test_a_stopped_executor_keeps_its_target(live: Bench) -> None:
    """Row 6."""
    run_id, pid = begin(live)
    stop_between_writes(live, pid)
    wait(lambda: live.ledger.executor(run_id).state == "stopped")
    with pytest.raises(Busy), hold(live.ledger, run_id):
        pass
    with pytest.raises(Busy):
        live.submit(supersede=True)
    with pytest.raises(Refused, match="does not move"):
        take_over(live.directory, run_id, by="ben")
    os.kill(pid, signal.SIGCONT)
    live.world.flag("go").touch()
    ended(live, run_id, RunState.SUCCEEDED)
    assert [event.fence for event in live.ledger.events(run_id) if event.kind is EventKind.LOCK_ACQUIRED] == [1]


def test_a_stopped_executor_is_taken_over_when_told_so(live: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 14: only by ending it first, and the journal says who did."""
    from actions.runner import steer

    monkeypatch.setattr(steer, "launch", lambda directory, run: launch(directory, run, module=MODULE))
    run_id, pid = begin(live)
    os.kill(pid, signal.SIGSTOP)
    wait(lambda: live.ledger.executor(run_id).state == "stopped")
    before = take_over(live.directory, run_id, by="ben", reason="hangs", stop=True)
    assert before.pid == pid and live.ledger.run(run_id).operator == "ben"
    live.world.flag("go").touch()
    ended(live, run_id, RunState.SUCCEEDED)
    stolen = [event.body for event in live.ledger.events(run_id) if event.kind is EventKind.LOCK_STOLEN]
    assert stolen == [{"from_pid": pid, "by": "ben", "reason": "hangs"}]
    check_journal(live.ledger, live.world)


SUBMIT = """
import sys
from pathlib import Path
from actions.ledger import open_writer
from actions.model.errors import Busy
from actions.runner.launch import launch
from tests.ledger.filling import submit
from tests.runner.carrying import standard_plan
with open_writer(Path(sys.argv[1])) as ledger:
    sys.stdin.readline()
    try:
        run_id = submit(ledger, standard_plan())
    except Busy as busy:
        print("busy", busy.run_id)
    else:
        launch(Path(sys.argv[1]), run_id, module=sys.argv[2])
        print("ours", run_id)
"""


def test_two_operators_confirm_at_once(live: Bench) -> None:
    """Row 7: one run; the other one is told which, and attaches."""
    command = [sys.executable, "-c", SUBMIT, str(live.directory), MODULE]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)
    ]
    for one in both:
        assert one.stdin is not None
        one.stdin.write("now\n")
        one.stdin.flush()
    said = sorted(one.communicate(timeout=60)[0].split() for one in both)
    assert [words[0] for words in said] == ["busy", "ours"] and said[0][1] == said[1][1]
    ended(live, said[0][1], RunState.SUCCEEDED)
    check_journal(live.ledger, live.world)


def test_two_executors_of_one_run(live: Bench) -> None:
    run_id, _ = begin(live)
    second = subprocess.run(
        [sys.executable, "-m", MODULE, "--ledger", str(live.directory), run_id],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert second.returncode == ExitCode.BUSY and "is held by another executor" in second.stderr
    live.world.flag("go").touch()
    ended(live, run_id, RunState.SUCCEEDED)
    check_journal(live.ledger, live.world)


def test_the_machine_restarts(live: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 8: everything is gone, the boot is another one; nothing happens until a person says so."""
    run_id, pid = begin(live)
    os.kill(pid, signal.SIGKILL)
    monkeypatch.setenv("VQ_BOOT_ID", "another-boot")
    wait(lambda: live.ledger.executor(run_id).state == "dead")
    assert "restarted" in live.ledger.executor(run_id).detail
    active = live.ledger.active("demo")
    assert active is not None and active.id == run_id and active.state is RunState.RUNNING
    live.world.flag("go").touch()
    assert live.world.get(5)["value"] == OLD
    launch(live.directory, run_id, module=MODULE)
    ended(live, run_id, RunState.SUCCEEDED)
    check_journal(live.ledger, live.world)


def test_sigterm_finishes_the_step_and_pauses(live: Bench) -> None:
    run_id, pid = begin(live)
    os.kill(pid, signal.SIGTERM)
    live.world.flag("go").touch()
    wait(lambda: live.ledger.run(run_id).state is RunState.PAUSED)
    wait(lambda: live.ledger.executor(run_id).state == "none")
    assert live.world.get(5)["value"] == OLD
    live.ledger.command(run_id, Command.RESUME, by="anna")
    launch(live.directory, run_id, module=MODULE)
    ended(live, run_id, RunState.SUCCEEDED)
    check_journal(live.ledger, live.world)


def test_an_executor_that_cannot_begin_leaves_nothing_hanging(live: Bench) -> None:
    """The real executor, with a configuration that is not there: the run fails and the target is free again."""
    run_id = live.submit()
    launch(live.directory, run_id)
    ended(live, run_id, RunState.FAILED)
    assert live.world.effects() == [] and live.submit() != run_id
