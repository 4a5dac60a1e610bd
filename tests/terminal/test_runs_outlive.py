"""A run outlives console, terminal, link, tmux and connection; another console shows all of it."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actions.ledger import open_reader
from actions.model.record import RunQuery
from actions.model.words import RunState
from actions.sandbox.facts import SandboxFacts
from tests.conftest import Cli
from tests.terminal.conftest import Console
from tests.terminal.session import PATIENCE, Session, environment

CHALLENGE = re.compile(r"press\s+([A-Z2-9])\s+to roll back")


def roll_back(session: Session, facts: SandboxFacts) -> None:
    """Open the rollback screen, press the key it draws, and wait until the run is shown and an executor has it."""
    session.until("failing")
    session.keys("R")
    found = CHALLENGE.search(session.until(lambda text: CHALLENGE.search(text) is not None))
    assert found
    time.sleep(0.6)  # keys of the first half second are dropped: the clock itself is the condition here
    session.keys(found[1])
    session.until("prove health from outside")
    taken_over(facts)


def runs(facts: SandboxFacts) -> tuple[Any, ...]:
    """All runs on record."""
    reader = open_reader(facts.config.parent / "ledger")
    try:
        return reader.runs(RunQuery()).runs
    finally:
        reader.close()


def taken_over(facts: SandboxFacts) -> None:
    """Wait until the run is an executor's: before that it is only asked for, and shown with all its steps as well."""
    end = time.monotonic() + PATIENCE
    while all(run.state is RunState.QUEUED for run in runs(facts)):
        assert time.monotonic() < end, "no executor took the run"
        time.sleep(0.02)


def ended(facts: SandboxFacts) -> Any:
    """Wait for the one run to end, and return it."""
    end = time.monotonic() + PATIENCE
    while True:
        found = runs(facts)
        assert len(found) == 1
        if found[0].state.terminal:
            return found[0]
        assert time.monotonic() < end, found[0]
        time.sleep(0.05)


def in_history(text: str) -> bool:
    """The history is open and lists the rollback; home names its last run as well."""
    return "HEALTH" not in text and "2.4.2 →" in text


def shown_again(console: Console, facts: SandboxFacts) -> None:
    """Another console finds the run in the history and shows every step of it."""
    session = console(facts, rows=36, columns=120)
    session.until("HEALTH")
    session.keys("H")
    session.until(in_history)
    session.keys("\r")
    text = session.until("record the verdict")
    assert "succeeded" in text or "2.4.2 bad" in text


def test_a_killed_console_changes_nothing(slow_stack: SandboxFacts, console: Console) -> None:
    session = console(slow_stack)
    roll_back(session, slow_stack)
    session.process.kill()
    assert ended(slow_stack).state is RunState.SUCCEEDED
    shown_again(console, slow_stack)


def test_a_terminal_that_vanishes_changes_nothing(slow_stack: SandboxFacts, console: Console) -> None:
    session = console(slow_stack)
    roll_back(session, slow_stack)
    session.hang_up()
    session.ended(20)
    assert ended(slow_stack).state is RunState.SUCCEEDED


def test_a_stalled_link_changes_nothing_and_the_console_catches_up(slow_stack: SandboxFacts, console: Console) -> None:
    session = console(slow_stack)
    roll_back(session, slow_stack)
    session.stall()
    assert ended(slow_stack).state is RunState.SUCCEEDED
    session.flow()
    session.until("succeeded")


def test_a_second_console_attaches_while_it_runs(slow_stack: SandboxFacts, console: Console) -> None:
    first, second = console(slow_stack), console(slow_stack)
    second.until("HEALTH")
    roll_back(first, slow_stack)
    second.keys("H")
    second.until(in_history)
    second.keys("\r")
    second.until("validate")
    assert ended(slow_stack).state is RunState.SUCCEEDED
    first.until("succeeded")
    second.until("succeeded")


@pytest.mark.machine("tmux")
def test_a_killed_tmux_changes_nothing(slow_stack: SandboxFacts, tmp_path: Path) -> None:
    def tmux(*words: str) -> str:
        return subprocess.run(
            ["tmux", "-S", str(tmp_path / "s"), *words], capture_output=True, text=True, check=True, env=given
        ).stdout

    given = environment(tmp_path / "home")
    program = f"{sys.executable} -m vq_tui --config {slow_stack.config}"
    tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", program)

    def screen(shown: str) -> str:
        end = time.monotonic() + PATIENCE
        while shown not in (text := tmux("capture-pane", "-p")):
            assert time.monotonic() < end, text
            time.sleep(0.05)
        return text

    screen("failing")
    tmux("send-keys", "R")
    found = CHALLENGE.search(screen("to roll back"))
    assert found
    time.sleep(0.6)  # keys of the first half second are dropped
    tmux("send-keys", found[1])
    screen("prove health from outside")
    taken_over(slow_stack)
    tmux("kill-server")
    assert ended(slow_stack).state is RunState.SUCCEEDED


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[list[str]]:
    """A real sshd of the test's own; the words that log in through it."""
    server = shutil.which("sshd", path="/usr/sbin:/usr/bin") or "sshd"
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    (tmp_path / "keys").write_text((tmp_path / "user.pub").read_text())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = [
        f"ListenAddress 127.0.0.1:{port}", f"HostKey {tmp_path}/host", f"AuthorizedKeysFile {tmp_path}/keys",
        "StrictModes no", "UsePAM no", "PermitRootLogin yes", f"PidFile {tmp_path}/pid", "AcceptEnv *",
    ]  # fmt: skip
    (tmp_path / "sshd_config").write_text("\n".join(settings) + "\n")
    with contextlib.suppress(FileExistsError):
        os.mkdir("/run/sshd", 0o755)
    daemon = subprocess.Popen([server, "-D", "-e", "-f", str(tmp_path / "sshd_config")], stderr=subprocess.DEVNULL)
    end = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        assert time.monotonic() < end and daemon.poll() is None, "sshd never listened"
        time.sleep(0.05)
    known = ["-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={tmp_path}/known", "-o", "LogLevel=ERROR"]
    yield ["ssh", "-tt", "-p", str(port), "-i", str(tmp_path / "user"), *known, "127.0.0.1"]
    daemon.terminate()
    daemon.wait(10)


@pytest.mark.machine("sshd")
def test_a_dropped_ssh_connection_changes_nothing(slow_stack: SandboxFacts, ssh: list[str], tmp_path: Path) -> None:
    given = environment(tmp_path / "home")
    where = Path(__file__).parents[2]
    program = (
        f"cd {where} && env TERM=xterm-256color LANG=C.UTF-8 HOME={tmp_path}/home "
        f"{sys.executable} -m vq_tui --config {slow_stack.config}"
    )
    with Session([], given, argv=[*ssh, program]) as session:
        roll_back(session, slow_stack)
        session.process.kill()
    run = ended(slow_stack)
    assert run.state is RunState.SUCCEEDED
    assert "127.0.0.1" in run.origin, "the history names where the operator came from"


def test_two_operators_at_once_get_one_run(slow_stack: SandboxFacts, cli: Cli) -> None:
    words = ("--config", slow_stack.config, "rollback", "--last-good", "--yes", "--wait", "--json")
    both = [cli.start(*words) for _ in range(2)]
    codes = [process.wait(PATIENCE) for process in both]
    for process in both:
        process.communicate()
    assert codes == [0, 0]
    assert len(runs(slow_stack)) == 1
