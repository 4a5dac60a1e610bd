"""An executor that is a copy of the command which asks for it: everything of its own, nothing of its starter's."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from actions.model.environment import Environment
from actions.runner.forked import fork_prepared
from tests.runner.test_prepared import prepared_processes
from tests.runner.test_processes import wait

ALONE = """
import signal, sys, threading
from pathlib import Path
from actions.model.environment import Environment
from actions.runner.forked import fork_prepared

signal.signal(signal.SIGTERM, lambda *_: print("the starter's handler"))
open_file = open(sys.argv[1] + "/of the starter", "w")
print("not yet written", end="")
"""
THREADED = ALONE + "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
FORK = """
prepared = fork_prepared(Path(sys.argv[1]), Environment())
print("started", flush=True)
sys.stdin.read()
"""


@contextmanager
def starter(directory: Path, code: str) -> Iterator["subprocess.Popen[bytes]"]:
    words = [sys.executable, "-c", code + FORK, str(directory)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == b"not yet writtenstarted\n"
            yield process
        finally:
            process.kill()
    wait(lambda: not prepared_processes(directory))


def only(directory: Path, of: "subprocess.Popen[bytes]") -> psutil.Process:
    """The executor, once it has left its starter."""

    def left() -> list[psutil.Process]:
        return [one for one in prepared_processes(directory) if one.ppid() != of.pid]

    wait(left)
    return left()[0]


@pytest.mark.parametrize("code", [ALONE, THREADED], ids=["one thread", "two threads"])
def test_it_has_nothing_of_its_starter(tmp_path: Path, code: str) -> None:
    with starter(tmp_path, code) as process:
        executor = only(tmp_path, process)
        wait(lambda: executor.cwd() == "/")
        assert os.getsid(executor.pid) != os.getsid(process.pid)
        assert executor.ppid() != process.pid and executor.terminal() is None
        assert not executor.open_files()


def test_a_copy_holds_the_socket_of_its_starter_only(tmp_path: Path) -> None:
    with starter(tmp_path, ALONE) as process:
        executor = only(tmp_path, process)
        open_there = {path.readlink().as_posix() for path in Path(f"/proc/{executor.pid}/fd").iterdir()}
        assert len(open_there) == 2 and open_there - {os.devnull} == {one for one in open_there if "socket:" in one}


@pytest.mark.parametrize("code", [ALONE, THREADED], ids=["one thread", "two threads"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signals_do_to_it_what_they_do_to_any_process(tmp_path: Path, code: str, number: signal.Signals) -> None:
    with starter(tmp_path, code) as process:
        executor = only(tmp_path, process)
        executor.send_signal(number)
        wait(lambda: not prepared_processes(tmp_path))
        assert process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_its_starter(tmp_path: Path, number: signal.Signals) -> None:
    code = ALONE + "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
    with starter(tmp_path, code) as process:
        only(tmp_path, process)
        os.kill(process.pid, number)
        wait(lambda: not prepared_processes(tmp_path))


def test_a_host_without_room_for_a_process_does_not_end_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The executor is started when the run begins, as where none was prepared."""

    def full() -> int:
        raise BlockingIOError("no process left")

    monkeypatch.setattr("actions.runner.forked.unit_program", lambda: None)
    monkeypatch.setattr("threading.active_count", lambda: 1)
    monkeypatch.setattr(os, "fork", full)
    assert fork_prepared(tmp_path, Environment()) is None
