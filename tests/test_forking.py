"""A forked call is to its caller, and to itself, what a new interpreter is."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.forking import REPOSITORY, Call, Forked, Preload, Process, really_start, start

PRELOAD = Preload(("json", "random", "tempfile"))
Start = Callable[..., Process]


def forked(call: Call, **streams: int) -> Process:
    process = start(call, preload=PRELOAD, **streams)
    assert isinstance(process, Forked)
    return process


BOTH = pytest.mark.parametrize("begin", [forked, really_start])


def call(place: Path, *words: str, **more: Any) -> Call:
    environment = {"PATH": os.environ["PATH"], "HOME": str(place), "TMPDIR": str(place), "LANG": "C.UTF-8"}
    environment["PYTHONPATH"] = str(REPOSITORY)
    return Call("tests.what_it_is", list(words), environment | more.pop("env", {}), str(place), **more)


def ended(process: Process) -> tuple[int, str, str]:
    with process:
        out, err = process.communicate(timeout=60)
    assert process.returncode is not None
    return process.returncode, out, err


@pytest.mark.parametrize("more", [{}, {"session": True}, {"env": {"NAME": "välue", "TZ_NOT": ""}}])
def test_a_program_finds_the_same(tmp_path: Path, more: dict[str, Any]) -> None:
    words = call(tmp_path, "exit", "0", **more)
    (_, here, _), (_, there, _) = ended(forked(words)), ended(really_start(words))
    assert json.loads(here) == json.loads(there)


def test_on_a_terminal_a_program_finds_the_same(tmp_path: Path) -> None:
    found = []
    for begin in (forked, really_start):
        master, slave = os.openpty()
        words = call(tmp_path, "exit", "0", terminal=True, ignore_hangup=True)
        process = begin(words, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        text = b""
        while not text.endswith(b"\n"):
            text += os.read(master, 65_536)
        assert process.wait(60) == 0
        os.close(master)
        found.append(json.loads(text))
    assert found[0] == found[1]
    assert found[0]["terminal"] and found[0]["leader"]


@BOTH
@pytest.mark.parametrize(
    ("words", "code"), [(("exit", "0"), 0), (("exit", "75"), 75), (("signal", "9"), -9), (("late",), 120)]
)
def test_an_end_is_seen(tmp_path: Path, begin: Start, words: tuple[str, ...], code: int) -> None:
    assert ended(begin(call(tmp_path, *words)))[0] == code


@BOTH
def test_an_exception_ends_it_as_ever(tmp_path: Path, begin: Start) -> None:
    code, out, err = ended(begin(call(tmp_path, "raise", "7")))
    assert (code, json.loads(out)["words"]) == (1, ["raise", "7"])
    assert err.rstrip().endswith("ValueError: 7")


@BOTH
def test_what_is_written_to_it_is_read(tmp_path: Path, begin: Start) -> None:
    ours, theirs = os.pipe()
    process = begin(call(tmp_path, "read"), stdin=ours)
    os.close(ours)
    os.write(theirs, "grün\n".encode())
    os.close(theirs)
    assert json.loads(ended(process)[1].splitlines()[1]) == "grün\n"


@BOTH
def test_a_signal_reaches_it(tmp_path: Path, begin: Start) -> None:
    ours, theirs = os.pipe()
    with begin(call(tmp_path, "read"), stdin=ours) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.stderr.read()
    assert process.returncode == -signal.SIGINT
    assert not Path(f"/proc/{process.pid}").exists(), "it was collected"
    os.close(ours)
    os.close(theirs)


def test_every_call_has_randomness_of_its_own(tmp_path: Path) -> None:
    assert len({ended(forked(call(tmp_path, "random")))[1] for _ in range(3)}) == 3


def test_several_run_at_once(tmp_path: Path) -> None:
    pipes = [os.pipe() for _ in range(3)]
    running = [forked(call(tmp_path, "read"), stdin=ours) for ours, _ in pipes]
    assert len({process.pid for process in running}) == 3
    for ours, theirs in reversed(pipes):
        os.close(ours)
        os.close(theirs)
    assert [process.wait(60) for process in running] == [0, 0, 0]
    for process in running:
        ended(process)


def test_what_is_read_while_modules_load_needs_a_real_start(tmp_path: Path) -> None:
    forked(call(tmp_path, "exit", "0")).wait(60)
    other = start(call(tmp_path, "exit", "0", env={"LC_ALL": "C"}), preload=PRELOAD)
    assert isinstance(other, subprocess.Popen)
    assert ended(other)[0] == 0
