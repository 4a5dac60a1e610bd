"""When the glass may be broken: only while the ledger truly refuses, beside nobody, and where nobody else writes."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from actions.ledger import locks, open_writer
from actions.ledger.glass import NO_GLOBAL_LOCK, beside_nobody, flock_holder, refusal, remembered, safe_way
from actions.ledger.locks import lock_path, locked
from actions.ledger.place import DATABASE
from actions.ledger.writer import LedgerWriter
from actions.model.errors import Busy, LedgerError
from actions.model.run import EventKind
from actions.model.words import RunState, Verdict
from actions.runner.session import hold
from tests.ledger.filling import finished, submit
from tests.ledger.plans import make_plan
from tests.ledger.test_damage import forge
from tests.ledger.test_import import GOOD, broken_run, seen

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away and mount")


def why(directory: Path) -> str:
    return refusal(directory, "demo", ["api"])


def test_a_ledger_that_works_does_not_refuse(ledger: LedgerWriter, tmp_path: Path) -> None:
    finished(ledger)
    assert why(ledger.directory) == "" and why(tmp_path / "new") == ""


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE event SET actor = 'mallory'", "journal is broken"),
        ("UPDATE meta SET value = '999' WHERE name = 'schema'", "newer version"),
        ("UPDATE release SET body = '{}'", "cannot be read"),
        ("UPDATE plan SET plan = 'no json'", "damaged"),
    ],
)
def test_what_stops_normal_procedures_is_a_refusal(ledger: LedgerWriter, statement: str, words: str) -> None:
    finished(ledger)
    ledger.save_release(seen("1.0", GOOD))
    forge(ledger.directory, statement)
    assert words in why(ledger.directory)


def test_a_damaged_page_that_no_start_would_read_is_a_refusal(directory: Path) -> None:
    with open_writer(directory) as ledger:
        for _ in range(30):
            finished(ledger, events=20)
    with (directory / DATABASE).open("r+b") as file:
        file.seek(-2 * 4096, os.SEEK_END)
        file.write(b"\x55" * 4096)
    assert "damaged" in why(directory)


def test_a_full_disk_is_a_refusal(ledger: LedgerWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.ledger.submitting.LEAST_FREE_BYTES", 1 << 60)
    assert "is full" in why(ledger.directory)


@ROOT
def test_another_users_and_a_read_only_ledger_refuse_in_one_line(directory: Path, tmp_path: Path) -> None:
    open_writer(directory).close()
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    subprocess.run(["mount", "--bind", directory, mounted], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", mounted], check=True)
        assert "read-only" in why(mounted)
    finally:
        subprocess.run(["umount", mounted], check=True)
    os.chown(directory, 12345, 12345)
    assert "belongs to '12345'" in why(directory)


@ROOT
def test_a_user_without_any_right_to_look_is_told_so_and_nothing_crashes(tmp_path: Path) -> None:
    """Not root: another's private directory cannot even be looked into."""
    open_writer(tmp_path / "ledger").close()
    for one in (tmp_path, *tmp_path.parents):
        if one == Path(tempfile.gettempdir()):
            break
        one.chmod(0o755)
    seen_by_nobody = os.fork()
    if not seen_by_nobody:
        os.setuid(65534)
        told = why(tmp_path / "ledger"), why(tmp_path / "ledger" / "below")
        os._exit(0 if "belongs to" in told[0] and "cannot be looked at" in told[1] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(seen_by_nobody, 0)[1]) == 0


def test_a_lock_that_is_held_is_respected_and_its_holder_named(ledger: LedgerWriter) -> None:
    assert beside_nobody(ledger.directory, "demo/api") == (NO_GLOBAL_LOCK,)
    run_id = submit(ledger)
    assert "stands in the old record as queued" in beside_nobody(ledger.directory, "demo/api")[1]
    path = lock_path(ledger.directory, "demo/api")
    with locked(path):
        assert flock_holder(path) == os.getpid()
        with pytest.raises(Busy, match=f"run {run_id[-6:]} of anna") as busy:
            beside_nobody(ledger.directory, "demo/api")
        assert busy.value.run_id == run_id
        ledger.directory.chmod(0o777)
        with pytest.raises(Busy, match=f"process {os.getpid()} holds"):
            beside_nobody(ledger.directory, "demo/api")


def test_a_lock_that_cannot_be_looked_at_is_warned_of(ledger: LedgerWriter) -> None:
    path = lock_path(ledger.directory, "demo/api")
    path.symlink_to("/dev/null")
    assert beside_nobody(ledger.directory, "demo/api")[0] == NO_GLOBAL_LOCK
    assert "cannot be looked at" in beside_nobody(ledger.directory, "demo/api")[1]


def test_its_executor_holds_the_target_in_both_ledgers(ledger: LedgerWriter, tmp_path: Path) -> None:
    """Also when it is resumed after the ledger works again: nobody starts beside it."""
    submit(ledger)
    with locked(lock_path(ledger.directory, "demo/api")):
        pass  # its lock file is there
    run_id = broken_run(tmp_path / "glass", ledger.directory, end=None)
    with open_writer(tmp_path / "glass") as there:
        with hold(there, run_id):
            assert locks.is_locked(lock_path(ledger.directory, "demo/api"))
        ordinary = locked(lock_path(ledger.directory, "demo/api"))
        with ordinary, pytest.raises(Busy, match="was not touched"), hold(there, run_id):
            pass
        lock_path(ledger.directory, "demo/api").unlink()
        with hold(there, run_id) as token:
            assert token == 2


def test_what_the_old_record_tells_is_known(ledger: LedgerWriter) -> None:
    ledger.save_release(seen("1.1", "sha256:11", Verdict.GOOD))
    run_id = submit(ledger, make_plan(pins={"from": "sha256:11", "to": GOOD}))
    with locked(lock_path(ledger.directory, "demo/api")):
        token = ledger.acquire(run_id, actor="tests")
        ledger.transition(run_id, RunState.RUNNING, fence=token, actor="tests")
        ledger.append(run_id, EventKind.INTENT, step=2, fence=token, actor="tests")
    (row,) = remembered(ledger.directory, "demo", ["api"])
    assert (row.verdict, row.verdict_run) == (Verdict.BAD, run_id), "left without a verdict counts as bad"


def test_the_way_to_an_emergency_ledger_is_ones_own(tmp_path: Path) -> None:
    safe_way(tmp_path / "a" / "b")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    (tmp_path / "a").chmod(0o777)
    with pytest.raises(LedgerError, match="can be written by others; set 'break_glass'"):
        safe_way(tmp_path / "a" / "b")


@ROOT
def test_a_way_that_another_user_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    os.chown(tmp_path / "link", 12345, 12345, follow_symlinks=False)
    (tmp_path / "theirs").mkdir(mode=0o700)
    os.chown(tmp_path / "theirs", 12345, 12345)
    for name in ("link", "theirs"):
        with pytest.raises(LedgerError, match="belongs to another user"):
            safe_way(tmp_path / name / "glass")
