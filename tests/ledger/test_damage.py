"""Ledgers that cannot be trusted or used: one clear line each, and no run starts on them."""

import os
import shutil
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest

from actions.ledger import journaling, open_reader, open_writer, place, submitting
from actions.ledger.chain import event_hash
from actions.ledger.place import DATABASE
from actions.ledger.writer import LedgerWriter
from actions.model.errors import LedgerError
from actions.model.record import RunQuery
from actions.model.run import EventKind
from actions.model.words import Command, RunState
from tests.ledger.filling import finished, submit


def forge(directory: Path, *statements: str) -> None:
    """Change the file behind the ledger's back, triggers and all."""
    connection = sqlite3.connect(directory / DATABASE)
    for name in ("event_no_update", "event_no_delete"):
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.fixture
def closed(directory: Path) -> Path:
    """A ledger with some runs, and nobody on it."""
    with open_writer(directory) as ledger:
        for _ in range(3):
            finished(ledger)
    return directory


def test_an_untouched_ledger_is_intact(closed: Path) -> None:
    with open_reader(closed) as ledger:
        report = ledger.verify()
    assert report.intact and report.events == ledger_length(closed) and report.first_bad is None


def ledger_length(directory: Path) -> int:
    connection = sqlite3.connect(directory / DATABASE)
    count = connection.execute("SELECT count(*) FROM event").fetchone()[0]
    connection.close()
    return int(count)


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE event SET body = replace(body, 'line 1', 'line 7') WHERE seq = 7",
        "UPDATE event SET actor = 'mallory' WHERE seq = 7",
        "UPDATE event SET at = '2020-01-01T00:00:00.000000+00:00' WHERE seq = 7",
        "UPDATE event SET fence = 99 WHERE seq = 7",
        "DELETE FROM event WHERE seq = 7",
    ],
)
def test_a_changed_event_is_named(closed: Path, forgery: str) -> None:
    forge(closed, forgery)
    with open_reader(closed) as ledger:
        report = ledger.verify()
    assert not report.intact and report.first_bad == 7


def rewritten_tail(directory: Path, drop: int) -> None:
    """Drop the newest events and set the head to fit, as somebody would who knows how it works."""
    connection = sqlite3.connect(directory / DATABASE)
    connection.execute("DROP TRIGGER event_no_delete")
    last = connection.execute("SELECT max(seq) FROM event").fetchone()[0] - drop
    connection.execute("DELETE FROM event WHERE seq > ?", (last,))
    tip = connection.execute("SELECT hash FROM event WHERE seq = ?", (last,)).fetchone()[0]
    connection.execute("UPDATE head SET seq = ?, hash = ?", (last, tip))
    connection.commit()
    connection.close()


def test_a_dropped_tail_is_noticed_and_starts_no_run(closed: Path) -> None:
    length = ledger_length(closed)
    rewritten_tail(closed, 2)
    with open_writer(closed) as ledger:
        report = ledger.verify()
        assert not report.intact and "are missing" in report.problem and report.first_bad == length - 1
        with pytest.raises(LedgerError, match="no run starts on it"):
            submit(ledger)
    forge(closed, "DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)")
    with open_writer(closed) as ledger, pytest.raises(LedgerError, match="no run starts on it"):
        submit(ledger)


def test_a_rewritten_chain_is_noticed_by_the_anchors(closed: Path) -> None:
    connection = sqlite3.connect(closed / DATABASE)
    connection.row_factory = sqlite3.Row
    connection.execute("DROP TRIGGER event_no_update")
    previous = None
    for row in [dict(row) for row in connection.execute("SELECT * FROM event ORDER BY seq")]:
        row["previous"] = previous or row["previous"]
        row["actor"] = "mallory" if row["seq"] == 2 else row["actor"]
        previous = event_hash(row)
        values = (row["actor"], row["previous"], previous, row["seq"])
        connection.execute("UPDATE event SET actor = ?, previous = ?, hash = ? WHERE seq = ?", values)
    connection.execute("UPDATE head SET hash = ?", (previous,))
    connection.commit()
    connection.close()
    with open_reader(closed) as ledger:
        report = ledger.verify()
        assert not report.intact and "anchored" in report.problem
        with pytest.raises(LedgerError, match="not the one that was anchored"):
            ledger.check_tail()


@pytest.mark.parametrize(
    ("forgery", "words"),
    [
        ("UPDATE run SET state = 'failed' WHERE number = 2", "its journal says 'succeeded'"),
        ("UPDATE plan SET plan = replace(plan, '1.0', '6.6')", "is not the one"),
        ("UPDATE run SET reason = 'all fine' WHERE number = 2", "its journal says 'errors'"),
        ("UPDATE run SET from_version = '0.9' WHERE number = 2", "its journal says '1.1'"),
        ("UPDATE run SET to_version = '6.6' WHERE number = 2", "its journal says '1.0'"),
        ("UPDATE run SET environment = 'other' WHERE number = 2", "its journal says 'demo'"),
        ("UPDATE run SET level = 'manual' WHERE number = 2", "its journal says 'emergency'"),
        ("UPDATE run SET operator = 'mallory' WHERE number = 2", "its journal says 'anna'"),
        ("UPDATE run SET origin = 'elsewhere' WHERE number = 2", "its journal says 'tests'"),
        ("UPDATE run SET drill = 1 WHERE number = 2", "its journal says 'False'"),
        ("UPDATE run SET seconds = 0.1 WHERE number = 2", "its journal says '1.5'"),
        ("UPDATE run SET created_at = '2020-01-01T00:00:00.000000+00:00' WHERE number = 2", "its journal says"),
        ("UPDATE run SET started_at = NULL WHERE number = 2", "its journal says"),
        ("UPDATE run SET ended_at = '2020-01-01T00:00:00.000000+00:00' WHERE number = 2", "its journal says"),
        ("UPDATE run SET metrics = '{}' WHERE number = 2", "downtime_seconds 0.0"),
        ("UPDATE run SET metrics = replace(metrics, '0.0', '9.9') WHERE number = 2", "downtime_seconds 9.9"),
        ("UPDATE run SET metrics = '{\"lost_writes\":0}' WHERE number = 2", "nothing of lost_writes"),
    ],
)
def test_a_run_that_contradicts_its_journal_is_named(closed: Path, forgery: str, words: str) -> None:
    forge(closed, forgery)
    with open_reader(closed) as ledger:
        report = ledger.verify()
    assert not report.intact and words in report.problem


def test_what_is_written_to_a_run_by_whoever_may_is_no_contradiction(directory: Path) -> None:
    with open_writer(directory) as ledger:
        stuck = finished(ledger, RunState.NEEDS_OPERATOR)
        ledger.change_owner(stuck, "ben", reason="anna went home")
        ledger.command(stuck, Command.NOTE, by="carla", reason="carla took over from ben, she says")
        ledger.close_run(stuck, by="ben", reason="brought back by hand")
        drilled = submit(ledger, drill=True)
        assert ledger.run(drilled).drill and ledger.verify().problem == ""
    forge(directory, "UPDATE run SET metrics = replace(metrics, 'by hand', 'in time') WHERE number = 1")
    with open_reader(directory) as ledger:
        assert "ended_because" in ledger.verify().problem
    forge(directory, "UPDATE run SET operator = 'anna' WHERE number = 1")
    with open_reader(directory) as ledger:
        assert "ben" in ledger.verify().problem


def test_a_journal_of_before_these_columns_were_in_it_still_verifies(directory: Path) -> None:
    """Events of earlier versions: no `row`, no `drill`, no `owner`."""
    with pytest.MonkeyPatch.context() as patch:
        plain = journaling.append_event

        def earlier(*words: object, body: object = None, **more: object) -> object:
            kept = {k: v for k, v in dict(body or {}).items() if k not in ("row", "drill", "owner")}
            return plain(*words, body=kept, **more)

        for module in (journaling, submitting):
            patch.setattr(module, "append_event", earlier)
        with open_writer(directory) as ledger:
            done = finished(ledger, RunState.NEEDS_OPERATOR)
            ledger.change_owner(done, "ben")
            ledger.close_run(done, by="ben", reason="by hand")
            finished(ledger)
            assert ledger.verify().problem == ""
    forge(directory, "UPDATE run SET operator = 'mallory' WHERE number = 1")
    with open_reader(directory) as ledger:
        assert "anna or ben" in ledger.verify().problem


def test_flipped_bytes_anywhere_never_end_in_a_traceback(closed: Path, tmp_path: Path) -> None:
    """Every page of the file, one after the other: reported, refused, or without consequence for what is read."""
    size = (closed / DATABASE).stat().st_size
    noticed = 0
    for offset in range(0, size, 4096):
        copy = tmp_path / f"copy-{offset}"
        shutil.copytree(closed, copy)
        with (copy / DATABASE).open("r+b") as file:
            file.seek(offset)
            page = bytearray(file.read(4096))
            file.seek(offset)
            file.write(bytes(byte ^ 0x55 for byte in page))
        try:
            with open_reader(copy) as ledger:
                report = ledger.verify()
                noticed += not report.intact
                ledger.runs(RunQuery())
                ledger.changes("demo")
        except LedgerError as error:
            noticed += 1
            assert str(copy) in error.message
        shutil.rmtree(copy)
    assert noticed >= size // 4096 * 0.9


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to be looked at" * 20])
def test_something_else_in_its_place(directory: Path, content: bytes) -> None:
    directory.mkdir(mode=0o700)
    path = directory / DATABASE
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(LedgerError):
        open_reader(directory)
    if content:
        with pytest.raises(LedgerError, match="damaged"):
            open_writer(directory)


def test_a_newer_ledger_says_so(closed: Path) -> None:
    forge(closed, "UPDATE meta SET value = '999' WHERE name = 'schema'")
    for opened in (open_reader, open_writer):
        with pytest.raises(LedgerError, match="newer version"):
            opened(closed)


def test_an_absent_ledger_is_not_created_by_reading(directory: Path) -> None:
    with pytest.raises(LedgerError, match="no ledger"):
        open_reader(directory)
    assert not directory.exists()


def test_places_that_are_not_safe(closed: Path, tmp_path: Path) -> None:
    """Row 10."""
    link = tmp_path / "link"
    link.symlink_to(closed)
    with pytest.raises(LedgerError, match="symbolic link"):
        open_reader(link)
    closed.chmod(0o777)
    with pytest.raises(LedgerError, match="written by others"):
        open_writer(closed)
    closed.chmod(0o700)
    moved = tmp_path / "elsewhere"
    (closed / DATABASE).rename(moved)
    (closed / DATABASE).symlink_to(moved)
    with pytest.raises(LedgerError, match="symbolic link"):
        open_writer(closed)


def test_a_network_file_system_is_refused(closed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    line = "36 35 98:0 / {} rw,noatime shared:1 - {} server:/x rw\n"
    mounts.write_text(line.format("/", "ext4") + line.format(tmp_path, "nfs4"))
    assert place.file_system(closed, mounts) == "nfs4"
    for kind in ("nfs4", "cifs", "fuse.sshfs"):
        monkeypatch.setattr(place, "file_system", lambda _, kind=kind: kind)
        with pytest.raises(LedgerError, match=kind):
            open_writer(closed)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_somebody_elses_ledger_is_refused(closed: Path) -> None:
    os.chown(closed / DATABASE, 12345, 12345)
    with pytest.raises(LedgerError, match="belongs to '12345'"):
        open_reader(closed)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a mount")
def test_a_read_only_place_can_be_read(closed: Path, tmp_path: Path) -> None:
    """Row 10: without a writer a log database has no shared index, and here none can be made."""
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    subprocess.run(["mount", "--bind", "-o", "ro", closed, mounted], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", mounted], check=True)
    try:
        with open_reader(mounted) as ledger:
            assert ledger.runs(RunQuery()).total == 3 and ledger.verify().intact
        with pytest.raises(LedgerError, match="written|read-only"):
            open_writer(mounted)
    finally:
        subprocess.run(["umount", mounted], check=True)


def test_a_long_writer_is_waited_for_and_readers_are_not_kept(
    ledger: LedgerWriter, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 11."""
    run_id = submit(ledger)
    long = sqlite3.connect(directory / DATABASE, isolation_level=None, check_same_thread=False)
    long.execute("BEGIN IMMEDIATE")
    written = threading.Event()

    def write() -> None:
        ledger.append(run_id, EventKind.NOTE, body={"text": "late"}, fence=0, actor="x")
        written.set()

    thread = threading.Thread(target=write)
    thread.start()
    with open_reader(directory) as reader:
        assert reader.run(run_id).state is RunState.QUEUED, "reading goes on"
        assert not written.is_set()
        long.execute("COMMIT")
        thread.join(15)
        assert written.is_set()
        assert reader.events(run_id)[-1].body == {"text": "late"}
    long.close()


def test_a_writer_that_never_ends_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from actions.ledger import sqlite

    monkeypatch.setattr(sqlite, "BUSY_MILLISECONDS", 200)
    with open_writer(directory) as ledger:
        run_id = submit(ledger)
        other = sqlite3.connect(directory / DATABASE, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="another process"):
            ledger.append(run_id, EventKind.NOTE, fence=0, actor="x")
        other.close()
        ledger.append(run_id, EventKind.NOTE, fence=0, actor="x")
