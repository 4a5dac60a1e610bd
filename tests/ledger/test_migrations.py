"""From every earlier format to the present one: whole or not at all; what is newer or damaged is left as it is."""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from actions.ledger import open_reader, open_writer
from actions.ledger.migrations import MIGRATIONS
from actions.ledger.place import DATABASE
from actions.ledger.tables import SCHEMA_VERSION, one_active_run
from actions.ledger.writer import LedgerWriter
from actions.model.crash import EXIT_STATUS
from actions.model.errors import ExitCode, LedgerError
from actions.model.plan import PLAN_FORMAT, Preemptible
from actions.model.record import RunQuery
from actions.model.run import EventKind
from tests.ledger.filling import finished, submit
from tests.ledger.plans import make_plan
from tests.ledger.test_damage import forge
from tests.ledger.test_golden import FORMATS, GOLDEN

POINTS = [
    f"migration.{step.number}.{name}"
    for step in MIGRATIONS
    for name in (*(new.column.name for new in step.columns), "before-commit")
]


def query(directory: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(directory / DATABASE)) as connection:
        return connection.execute(statement).fetchall()


def format_of(directory: Path) -> str:
    return str(query(directory, "SELECT value FROM meta WHERE name = 'schema'")[0][0])


def contents(directory: Path) -> dict[str, str]:
    """Everything below it but the empty log and the index that looking makes."""
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.stat().st_size and path.is_file() and not path.name.endswith("-shm")
    }


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A ledger of the first format."""
    with tarfile.open(GOLDEN / "v1.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "ledger"


def test_numbers_follow_each_other_and_each_has_a_golden_ledger_before_it() -> None:
    assert [step.number for step in MIGRATIONS] == list(range(2, SCHEMA_VERSION + 1))
    assert {f"v{number}" for number in range(1, SCHEMA_VERSION)} <= set(FORMATS)


def test_a_migrated_ledger_is_built_like_a_new_one(old: Path, tmp_path: Path) -> None:
    open_writer(old).close()
    open_writer(tmp_path / "new").close()

    def built(directory: Path) -> list[object]:
        tables = [row[0] for row in query(directory, "SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = [(name, *row[1:]) for name in tables for row in query(directory, f"PRAGMA table_info({name})")]
        others = query(directory, "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type != 'table'")
        return sorted(map(str, [*columns, *others]))

    assert built(old) == built(tmp_path / "new")
    assert format_of(old) == format_of(tmp_path / "new") == str(SCHEMA_VERSION)


def test_each_ledger_has_an_identity_of_its_own_and_keeps_it(old: Path, tmp_path: Path) -> None:
    with open_writer(old) as one, open_writer(tmp_path / "new") as other:
        assert one.identity and other.identity and one.identity != other.identity
    with open_writer(old) as again, open_reader(old) as reader:
        assert again.identity == one.identity == reader.identity


@pytest.mark.parametrize("point", POINTS)
def test_a_migration_that_is_killed_leaves_the_ledger_as_it_was_and_is_done_by_the_next_open(
    old: Path, point: str
) -> None:
    code = f"from pathlib import Path; from actions.ledger import open_writer; open_writer(Path({str(old)!r}))"
    killed = subprocess.run([sys.executable, "-c", code], env=os.environ | {"VQ_CRASH_AT": point}, check=False)
    assert killed.returncode == EXIT_STATUS
    with open_reader(old) as reader:
        assert reader.format == 1 and reader.verify().intact
    with open_writer(old) as ledger:
        assert ledger.format == SCHEMA_VERSION and ledger.verify().intact and ledger.runs(RunQuery()).total == 12


def test_a_reader_reads_an_earlier_format_and_changes_nothing(old: Path) -> None:
    with open_reader(old) as reader:
        assert reader.format == 1 and reader.verify().intact
        assert len(reader.past_seconds("demo", "api")) == 1
        before = reader.runs(RunQuery())
        with open_writer(old) as ledger:  # while it is being read
            assert ledger.runs(RunQuery()) == before
            assert reader.runs(RunQuery()) == before and len(reader.past_seconds("demo", "api")) == 1
            assert reader.verify().intact


def test_many_who_open_it_at_once_find_it_migrated_once(old: Path) -> None:
    gate, found = threading.Barrier(4), list[tuple[int, str]]()

    def opened() -> None:
        gate.wait()
        with open_writer(old) as ledger:
            found.append((ledger.format, ledger.identity))

    threads = [threading.Thread(target=opened) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 4 and len(set(found)) == 1 and found[0][0] == SCHEMA_VERSION


def test_an_executor_of_the_version_before_goes_on_writing(old: Path) -> None:
    """It names the columns it knows."""
    open_writer(old).close()
    with closing(sqlite3.connect(old / DATABASE)) as connection:
        known = [row[1] for row in connection.execute("PRAGMA table_info(run)")]
        names = ", ".join(name for name in known if name not in ("number", "several_executors", "broke_glass"))
        values = names.replace("id,", "id || 'X',", 1).replace("idempotency_key", "idempotency_key || 'X'")
        connection.execute(f"INSERT INTO run ({names}) SELECT {values} FROM run WHERE state = 'succeeded' LIMIT 1")
        connection.commit()
    with open_reader(old) as reader:
        assert reader.runs(RunQuery()).total == 13 and len(reader.past_seconds("demo", "api")) == 2


def test_what_a_run_is_looked_for_by_is_a_column_and_follows_its_metrics(ledger: LedgerWriter) -> None:
    from actions.model.words import RunState

    finished(ledger)
    run_id = submit(ledger)
    token = ledger.acquire(run_id, actor="x")
    ledger.transition(run_id, RunState.RUNNING, fence=token, actor="x")
    ledger.finish(run_id, RunState.SUCCEEDED, {"executors": 2}, fence=token, actor="x", seconds=9.0)
    assert ledger.past_seconds("demo", "api") == (1.5,), "a run whose executor died says nothing about the time"
    assert ledger.verify().intact
    forge(ledger.directory, f"UPDATE run SET several_executors = 0 WHERE id = '{run_id}'")
    assert "several_executors" in ledger.verify().problem


def test_one_active_run_a_target_in_other_dialects_too() -> None:
    from sqlalchemy import Column, MetaData, String, Table

    from actions.ledger import tables

    twin = Table("run", MetaData(), Column("target", String))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "run", twin)
        index = one_active_run("postgresql")
    assert "WHERE state IN (" in str(CreateIndex(index).compile(dialect=postgresql.dialect()))


@pytest.mark.parametrize("open_", [open_reader, open_writer])
@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE meta SET value = '{SCHEMA_VERSION + 1}' WHERE name = 'schema'",
        "UPDATE meta SET value = 'two' WHERE name = 'schema'",
        "UPDATE meta SET value = '' WHERE name = 'schema'",
        "UPDATE meta SET value = '-1' WHERE name = 'schema'",
        "UPDATE meta SET value = '1.5' WHERE name = 'schema'",
        "DELETE FROM meta",
    ],
)
def test_a_newer_or_damaged_format_is_one_line_and_nothing_is_touched(
    directory: Path, statement: str, open_: Callable[[Path], object]
) -> None:
    with open_writer(directory) as ledger:
        finished(ledger)
    forge(directory, statement)
    before = contents(directory)
    with pytest.raises(LedgerError) as refused:
        open_(directory)
    assert refused.value.code is ExitCode.LEDGER and "nothing was touched" in refused.value.message
    assert "\n" not in refused.value.message and contents(directory) == before


def stored_plan(ledger: LedgerWriter, run_id: str, **changed: object) -> None:
    """The plan of that run as another version would have stored it."""
    (text,) = query(ledger.directory, f"SELECT plan FROM plan WHERE run_id = '{run_id}'")[0]
    values = json.loads(str(text)) | changed
    values = {name: value for name, value in values.items() if value is not None}
    written = json.dumps(values, sort_keys=True, separators=(",", ":"))
    with closing(sqlite3.connect(ledger.directory / DATABASE)) as connection:
        digest = hashlib.sha256(written.encode()).hexdigest()
        connection.execute("UPDATE plan SET plan = ?, digest = ? WHERE run_id = ?", (written, digest, run_id))
        connection.commit()


def test_a_plan_with_fields_of_another_version_is_read(ledger: LedgerWriter) -> None:
    run_id = submit(ledger)
    phases = json.loads(make_plan().model_dump_json())["phases"]
    phases[0]["steps"][0]["needs_approval"] = True
    stored_plan(ledger, run_id, phases=phases, urgency="high", format=None, preemptible=None)
    read = ledger.plan(run_id)
    assert read.format == 1 and read.preemptible is Preemptible.NEVER and read.steps == make_plan().steps
    assert ledger.view(run_id).plan == read
    assert ledger.acquire(run_id, actor="x") == 1


def test_a_plan_of_a_newer_format_is_one_line(ledger: LedgerWriter) -> None:
    run_id = submit(ledger)
    assert ledger.plan(run_id).format == PLAN_FORMAT
    stored_plan(ledger, run_id, format=PLAN_FORMAT + 1)
    with pytest.raises(LedgerError, match="newer version"):
        ledger.plan(run_id)


def test_rows_with_fields_of_a_newer_version_are_read_and_keep_them(ledger: LedgerWriter, directory: Path) -> None:
    from tests.ledger.test_import import GOOD, seen

    ledger.save_release(seen("1.0", GOOD))
    run_id = finished(ledger)
    forge(
        directory,
        "UPDATE release SET body = json_set(body, '$.signed_by', 'anna')",
        "UPDATE plan SET request = json_set(request, '$.ticket', 7)",
        "ALTER TABLE event ADD COLUMN region TEXT",
        "ALTER TABLE gate ADD COLUMN region TEXT",
        "ALTER TABLE command ADD COLUMN region TEXT",
        "ALTER TABLE notice ADD COLUMN region TEXT",
        "ALTER TABLE run ADD COLUMN region TEXT",
    )
    (release,) = ledger.releases("demo", "api")
    ledger.save_release(release.model_copy(update={"samples": 9}))
    (row,) = query(directory, "SELECT body FROM release")
    assert json.loads(str(row[0]))["signed_by"] == "anna" and json.loads(str(row[0]))["samples"] == 9
    assert ledger.request(run_id).service == "api" and ledger.verify().intact
    ledger.append(run_id, EventKind.NOTE, body={"text": "still written"}, fence=0, actor="ben")
    assert ledger.events(run_id)[-1].body == {"text": "still written"}
