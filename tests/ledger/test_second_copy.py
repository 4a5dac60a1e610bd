"""Another copy of the ledger, put in its place or used from elsewhere: never two runs at once, never "intact"."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actions.ledger import open_reader, open_writer, runtime
from actions.ledger.anchor import Anchor
from actions.ledger.glass import beside_nobody, refusal
from actions.ledger.target_lock import lock_files, target_held
from actions.ledger.witness import MOST_BYTES, held_outside, hold_outside, witness_files
from actions.ledger.writer import LedgerWriter
from actions.model.errors import Busy, LedgerError
from actions.model.words import RunState
from actions.runner.session import hold
from tests.ledger.filling import finished, submit
from tests.ledger.plans import make_plan
from tests.ledger.test_import import broken_run

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from pathlib import Path
from actions.ledger import open_writer
from actions.runner.session import hold
with open_writer(Path(sys.argv[1])) as ledger, hold(ledger, sys.argv[2]):
    print("holds", flush=True)
    sys.stdin.read()
"""


@contextmanager
def executor(directory: Path, run_id: str, **variables: str) -> Iterator[int]:
    """A process that carries the run out until the block is left."""
    command = [sys.executable, "-c", HOLDER, str(directory), run_id]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | variables, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == b"holds\n"
        yield process.pid
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.fixture
def copied(directory: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A ledger with a run that ended, and a copy that was made then."""
    with open_writer(directory) as ledger:
        finished(ledger)
    shutil.copytree(directory, tmp_path / "copy")
    return directory, tmp_path / "copy"


def put_in_place(directory: Path, copy: Path) -> None:
    directory.rename(directory.with_name("moved"))
    copy.rename(directory)


def begin(directory: Path) -> str:
    with open_writer(directory) as ledger:
        return submit(ledger)


@pytest.mark.parametrize("variables", [{}, {"XDG_RUNTIME_DIR": "/run/user/12345"}, {"TMPDIR": "/nowhere"}])
def test_a_copy_that_knows_of_the_run_gives_no_second_executor_and_no_second_run(
    directory: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    """Whatever the environment of either process: it may have been started by `su`, or have no session."""
    run_id = begin(directory)
    with executor(directory, run_id, **variables) as pid:
        shutil.copytree(directory, tmp_path / "copy")
        put_in_place(directory, tmp_path / "copy")
        with open_writer(directory) as ledger:
            assert ledger.executor(run_id).state == "alive" and ledger.executor(run_id).pid == pid
            with pytest.raises(Busy):
                submit(ledger, supersede=True)
            with pytest.raises(Busy), hold(ledger, run_id):
                pass
            with pytest.raises(Busy):
                ledger.close_run(run_id, by="ben", reason="seems dead")
    with open_writer(directory) as ledger, hold(ledger, run_id) as token:
        assert token == 2


def test_an_older_copy_is_known_as_one_and_starts_no_run(copied: tuple[Path, Path]) -> None:
    directory, copy = copied
    run_id = begin(directory)
    with executor(directory, run_id):
        put_in_place(directory, copy)
        with open_writer(directory) as ledger:
            report = ledger.verify()
            assert not report.intact and "older copy" in report.problem and report.first_bad is not None
            with pytest.raises(LedgerError, match="older copy"):
                submit(ledger)
        with open_reader(directory) as reader:
            assert not reader.verify().intact
            with pytest.raises(LedgerError, match="no run starts on it"):
                reader.check_tail()
    with open_writer(directory) as ledger, pytest.raises(LedgerError, match="older copy"):
        submit(ledger)


def test_a_new_ledger_in_its_place_gives_no_second_executor(directory: Path) -> None:
    run_id = begin(directory)
    with executor(directory, run_id):
        directory.rename(directory.with_name("moved"))
        other = begin(directory)
        with open_writer(directory) as ledger, pytest.raises(Busy), hold(ledger, other):
            pass
    with open_writer(directory) as ledger, hold(ledger, other):
        assert ledger.verify().intact, "another ledger, not an older copy of the one before"


def test_a_copy_used_from_elsewhere_is_the_same_ledger(directory: Path, tmp_path: Path) -> None:
    run_id = begin(directory)
    shutil.copytree(directory, tmp_path / "elsewhere")
    with executor(directory, run_id), open_writer(tmp_path / "elsewhere") as ledger:
        assert ledger.executor(run_id).state == "none", "its own journal knows of no executor"
        with pytest.raises(Busy), hold(ledger, run_id):
            pass
        assert not ledger.verify().intact


def test_two_targets_and_two_ledgers_do_not_hinder_each_other(directory: Path, tmp_path: Path) -> None:
    run_id = begin(directory)
    with executor(directory, run_id), open_writer(directory) as ledger, open_writer(tmp_path / "other") as other:
        with hold(ledger, submit(ledger, make_plan(target="demo/worker"))):
            pass
        with hold(other, submit(other)):
            pass


def test_who_means_it_goes_on_with_an_older_copy(copied: tuple[Path, Path]) -> None:
    directory, copy = copied
    with open_writer(directory) as ledger:
        finished(ledger)
    put_in_place(directory, copy)
    with open_writer(directory) as ledger:
        for path in witness_files(directory, ledger.identity):
            assert str(path) in ledger.verify().problem
            path.rename(path.with_suffix(".before"))
        assert ledger.verify().intact
        finished(ledger)
        assert ledger.verify().intact


def test_the_glass_is_broken_on_an_older_copy_but_not_beside_its_executor(
    copied: tuple[Path, Path], tmp_path: Path
) -> None:
    directory, copy = copied
    run_id = begin(directory)
    with executor(directory, run_id):
        put_in_place(directory, copy)
        assert "older copy" in refusal(directory, "demo", ["api"])
        with pytest.raises(Busy):
            beside_nobody(directory, "demo/api")
    assert beside_nobody(directory, "demo/api")
    emergency = broken_run(tmp_path / "glass", directory, end=None)
    with open_writer(tmp_path / "glass") as there:
        with hold(there, emergency), pytest.raises(Busy), target_held(directory, "demo/api", patience=0.0):
            pass
        assert there.verify().intact


def test_who_cannot_hold_anchors_outside_works_as_ever(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "candidates", lambda _: ())
    directory.with_name("ledger.anchor").mkdir(parents=True)
    with open_writer(directory) as ledger:
        finished(ledger)
        assert ledger.verify().intact and len(lock_files(directory, "demo/api", ledger.identity)) == 1
        assert list(held_outside(directory, ledger.identity)) == []


def test_what_lies_outside_stays_small_and_garbage_in_it_harms_nothing(ledger: LedgerWriter, directory: Path) -> None:
    finished(ledger, RunState.SUCCEEDED)
    (beside, *_) = witness_files(directory, ledger.identity)
    newest = max(held_outside(directory, ledger.identity), key=lambda one: one.seq)
    with beside.open("ab") as file:
        file.write(b'\nno json\n[1]\n{"ledger": 7}\n\xff\xfe\n' * 6_000)
    assert beside.stat().st_size > MOST_BYTES
    hold_outside(directory, "another", Anchor(at="2026", seq=1, hash="0", run_id="r"))
    assert beside.stat().st_size < MOST_BYTES
    assert [one.seq for one in held_outside(directory, "another")] == [1, 1]
    assert max(one.seq for one in held_outside(directory, ledger.identity)) == newest.seq
    assert ledger.verify().intact


def test_the_runtime_directory_is_the_first_that_is_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (tmp_path / "wide").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").touch()
    bad = (open_to_all / "x", tmp_path / "wide", tmp_path / "link", tmp_path / "file", tmp_path / "absent" / "x")
    monkeypatch.setattr(runtime, "candidates", lambda _: (*bad, tmp_path / "good"))
    assert runtime.runtime_directory() == tmp_path / "good"
    assert (tmp_path / "good").stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(runtime, "candidates", lambda _: bad)
    assert runtime.runtime_directory() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_runtime_directory_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    os.chown(tmp_path / "theirs", 12345, 12345)
    monkeypatch.setattr(runtime, "candidates", lambda _: (tmp_path / "theirs",))
    assert runtime.runtime_directory() is None


def test_every_user_has_a_runtime_directory_of_their_own() -> None:
    root, other = set(runtime.candidates(0)), set(runtime.candidates(1000))
    assert root and other and not root & other and not other & set(runtime.candidates(1001))
