"""The doors to the runner: a unit of its own, steering a run that nobody carries out, what survives logout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from actions.model.environment import Environment
from actions.model.errors import Refused, VqError
from actions.model.run import EventKind
from actions.model.services import HttpService
from actions.model.words import Command, Gate, RunState
from actions.model.workloads import SecretSource
from actions.runner import launch as launching
from actions.runner import logout, run_log, steer
from actions.runner.launch import launch
from actions.runner.orders import decide
from actions.runner.redaction import Redactor, secrets_of
from tests.ledger.plans import make_plan, step
from tests.runner.carrying import SLOTS, Bench
from tests.runner.journal_checker import check_journal
from tests.runner.test_processes import MODULE, ended, live, wait
from tests.runner.world import NEW, OLD

__all__ = ["live"]


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steer, "launch", lambda directory, run: launch(directory, run, module=MODULE))


@pytest.mark.usefixtures("fakes")
def test_backing_out_a_run_whose_executor_died_starts_one(live: Bench) -> None:
    run_id = live.submit()
    assert live.crash(run_id, lambda _, name: name == "act.5.before")
    steer.steer(live.directory, run_id, Command.BACK_OUT, by="ben", reason="wrong way")
    ended(live, run_id, RunState.UNDONE)
    assert live.world.values(SLOTS) == {OLD}
    check_journal(live.ledger, live.world)


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("what", [Command.ABORT, Command.BACK_OUT])
def test_a_run_whose_executor_never_started_obeys_all_the_same(
    live: Bench, what: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = live.submit()
    monkeypatch.setattr(steer, "LAUNCH_SECONDS", 0)
    steer.steer(live.directory, run_id, what, by="ben")
    ended(live, run_id, RunState.ABORTED)
    assert live.world.effects() == []


@pytest.mark.usefixtures("fakes")
def test_resume_goes_on_and_says_who_wanted_it(live: Bench) -> None:
    run_id = live.submit()
    assert live.crash(run_id, lambda _, name: name == "act.5.before")
    steer.resume(live.directory, run_id, by="ben")
    ended(live, run_id, RunState.SUCCEEDED)
    with pytest.raises(Refused, match="has ended"):
        steer.resume(live.directory, run_id, by="ben")


@pytest.mark.usefixtures("fakes")
def test_taking_over_a_dead_run_makes_it_go_on(live: Bench) -> None:
    run_id = live.submit()
    assert live.crash(run_id, lambda _, name: name == "act.5.before")
    before = steer.take_over(live.directory, run_id, by="ben")
    assert before.state == "dead"
    ended(live, run_id, RunState.SUCCEEDED)
    assert live.ledger.run(run_id).operator == "ben" and live.world.values(SLOTS) == {NEW}


@pytest.mark.usefixtures("fakes")
def test_a_run_that_waits_for_a_person_goes_on_only_when_one_says_so(live: Bench) -> None:
    """Two operators confirm at once: the second executor comes to the lock when the first one is stuck."""
    run_id = live.submit(
        make_plan(step(1, "lock", changes=False), step(2, params={"probe": "unknown"}, budget_seconds=1))
    )
    assert live.crash(run_id, lambda _, name: name == "effect.2.after")
    assert live.run(run_id) is RunState.NEEDS_OPERATOR
    live.world.flag("mended").touch()
    launch(live.directory, run_id, module=MODULE)
    wait(lambda: live.ledger.events(run_id)[-1].kind is EventKind.LOCK_ACQUIRED)
    wait(lambda: live.ledger.executor(run_id).state == "none")
    steer.take_over(live.directory, run_id, by="ben")
    after = live.ledger.run(run_id)
    assert (after.state, after.operator) == (RunState.NEEDS_OPERATOR, "ben")
    assert live.ledger.executor(run_id).state == "none", "whoever takes it over looks first"
    steer.resume(live.directory, run_id, by="ben")
    wait(lambda: live.ledger.run(run_id).state is RunState.SUCCEEDED)


STOPPED_IN_A_WRITE = """
import os, signal, sys
from pathlib import Path
from actions.ledger import open_writer
from actions.runner.session import hold
with open_writer(Path(sys.argv[1])) as ledger, hold(ledger, sys.argv[2]), ledger._write():
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.usefixtures("fakes")
def test_an_executor_that_is_stopped_in_a_write_can_still_be_taken_over(live: Bench) -> None:
    """It keeps every writer out of the ledger, so it has to be ended before anything is written."""
    run_id = live.submit()
    stuck = subprocess.Popen([sys.executable, "-c", STOPPED_IN_A_WRITE, str(live.directory), run_id])
    try:
        wait(lambda: live.ledger.executor(run_id).state == "stopped")
        assert steer.take_over(live.directory, run_id, by="ben", stop=True).pid == stuck.pid
        ended(live, run_id, RunState.SUCCEEDED)
        check_journal(live.ledger, live.world)
    finally:
        stuck.kill()
        stuck.wait()


def test_a_unit_of_the_service_manager_where_it_outlives_logout(
    live: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second rung of the ladder, with a stand-in for systemd-run that runs the command it is given."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "systemd").mkdir()
    (tmp_path / "systemd" / "private").touch()
    program = tmp_path / "bin" / "systemd-run"
    said = tmp_path / "said"
    program.write_text(
        "#!/bin/sh\n"
        f'printf "%s\\n" "$@" > {said}\n'
        'while [ "${1#-}" != "$1" ]; do shift; done\n'
        'setsid "$@" </dev/null >/dev/null 2>&1 &\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("VQ_CANARY", "canary-secret-value")
    monkeypatch.setattr(launching, "lingers", lambda: True)
    run_id = live.submit()
    launch(live.directory, run_id, module=MODULE)
    ended(live, run_id, RunState.SUCCEEDED)
    assert "--setenv=VQ_CANARY" in said.read_text() and "canary-secret-value" not in said.read_text()
    program.write_text("#!/bin/sh\necho no bus >&2; exit 1\n")
    second = live.submit()
    launch(live.directory, second, module=MODULE)
    wait(lambda: live.ledger.run(second).state.terminal)


def test_a_launch_that_finds_no_room_on_the_disk_says_of_which_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> Path:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(run_log, "private_directory", full)
    with pytest.raises(VqError, match="no executor could be started for run R1: No space left on device.*/runs/R1"):
        launch(tmp_path, "R1")


def test_a_launch_that_cannot_work_says_so(live: Bench) -> None:
    run_id = live.submit()
    with pytest.raises(VqError, match="no executor could be started"):
        launch(live.directory, run_id, module="tests.runner.nothing_here")
    link = live.directory / "runs" / run_id / "executor.log"
    link.unlink()
    link.symlink_to("/etc/passwd")
    with pytest.raises(VqError, match="no executor could be started"):
        launch(live.directory, run_id, module=MODULE)


@pytest.mark.parametrize(
    ("killed", "lingering", "session", "gate"),
    [
        (True, False, True, Gate.FAIL),
        (True, True, True, Gate.PASS),
        (True, False, False, Gate.PASS),
        (False, False, True, Gate.PASS),
        (None, False, True, Gate.INCONCLUSIVE),
    ],
)
def test_whether_a_run_survives_logout(
    killed: bool | None, lingering: bool, session: bool, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logout, "_CONTAINER", ())
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(logout, "SYSTEMD", tmp_path)
    monkeypatch.setattr(logout, "lingers", lambda: lingering)
    monkeypatch.setattr(logout, "_in_login_session", lambda: session)
    monkeypatch.setattr(logout, "_kill_user_processes", lambda: killed)
    check = logout.survives_logout()
    assert check.gate is gate and check.evidence
    assert (gate is Gate.PASS) == (check.advice == "")


def test_later_commands_win(bench: Bench) -> None:
    run_id = bench.submit()
    for what in (Command.PAUSE, Command.RESUME, Command.PAUSE, Command.BACK_OUT):
        bench.ledger.command(run_id, what, by="ben")
    decision = decide(bench.ledger.pending_commands(run_id))
    assert decision.pause is not None and decision.pause.id == 3 and decision.resume is None
    assert decision.back_out is not None and len(decision.rows) == 4


def test_secrets_reach_neither_journal_nor_log(tmp_path: Path) -> None:
    """Row 54, at the runner's sinks."""
    path = tmp_path / "token"
    path.write_text("s3cr3t-canary\n")
    path.chmod(0o600)
    service = HttpService(url="http://127.0.0.1:1", headers={"Authorization": SecretSource(file=path)})
    secrets = secrets_of(Environment(services={"api": service}))
    assert secrets == (SecretStr("s3cr3t-canary"),)
    redactor = Redactor(secrets)
    body = redactor.value({"text": "sent s3cr3t-canary", "list": ["s3cr3t-canary"], "password": "x", "token": 3})
    assert body == {"text": "sent ***", "list": ["***"], "password": "***", "token": 3}
    assert redactor.failure(ValueError("bad s3cr3t-canary\x1b]52;c;x\x07")).count("s3cr3t") == 0
