"""Numbered steps from each earlier format of the ledger to the present one, run when a writer opens it.

A new ledger is made in the present format (`tables`). Each step is one transaction under the writer's lock: a process
that is killed in it leaves the ledger as it was, and the next open does it again. A step adds, and never takes away:
an executor of the version before goes on writing, and a reader sees an earlier format as the present one (`views`).
"""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Column, Connection, Engine, insert, select, update

from actions.ledger.tables import SCHEMA_VERSION, meta, run
from actions.model.crash import crashpoint
from actions.model.errors import LedgerError
from actions.model.identity import new_id


class NewColumn(NamedTuple):
    """A column that a step adds, and its value in rows of before as an SQL expression over their other columns."""

    column: Column  # type: ignore[type-arg]
    value: str


class Migration(NamedTuple):
    """What leads from the format before to format `number`."""

    number: int
    columns: tuple[NewColumn, ...]
    names_ledger: bool = False


MIGRATIONS = (
    Migration(
        2,
        (
            NewColumn(run.c.several_executors, """metrics LIKE '%"executors":%'"""),
            NewColumn(run.c.broke_glass, """metrics LIKE '%"break_glass":true%'"""),
        ),
        names_ledger=True,
    ),
)
"""In order; the last one leads to `SCHEMA_VERSION`."""


def stored_format(connection: Connection, directory: object) -> int:
    """Number of the format of the opened ledger. Raises LedgerError when it is damaged, or newer than this version."""
    stored = connection.execute(select(meta.c.value).where(meta.c.name == "schema")).scalar_one_or_none()
    if not isinstance(stored, str) or not stored.isascii() or not stored.isdigit() or int(stored) < 1:
        said = "none" if stored is None else f"'{str(stored)[:20]}'"
        raise LedgerError(
            f"the ledger in {directory} is damaged: its format number is {said}; nothing was touched; restore a copy"
        )
    if int(stored) > SCHEMA_VERSION:
        raise LedgerError(
            f"the ledger in {directory} was written by a newer version (format {stored}, this one knows"
            f" {SCHEMA_VERSION}); nothing was touched; install that version of vq-tui, or point 'ledger' at another"
            " directory"
        )
    return int(stored)


def migrate(engine: Engine, directory: object) -> None:
    """Bring the ledger to the present format. Raises LedgerError like `stored_format`."""
    for step in MIGRATIONS:
        with engine.begin() as connection:
            if stored_format(connection, directory) < step.number:
                _apply(connection, step)


def _apply(connection: Connection, step: Migration) -> None:
    """One step, within the caller's writing transaction."""
    for new in step.columns:
        column = new.column
        kind = column.type.compile(connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {column.table} ADD COLUMN {column.name} {kind} NOT NULL DEFAULT 0")
        crashpoint(f"migration.{step.number}.{column.name}")
        connection.exec_driver_sql(f"UPDATE {column.table} SET {column.name} = ({new.value})")  # noqa: S608 - our words
    if step.names_ledger:
        connection.execute(insert(meta).values(name="identity", value=new_id()))
    connection.execute(update(meta).where(meta.c.name == "schema").values(value=str(step.number)))
    crashpoint(f"migration.{step.number}.before-commit")


def views(number: int) -> Iterator[str]:
    """Statements that let one connection read a ledger of format `number` as one of the present format."""
    added: dict[str, list[str]] = {}
    for new in [one for step in MIGRATIONS if step.number > number for one in step.columns]:
        added.setdefault(new.column.table.name, []).append(f"({new.value}) AS {new.column.name}")
    for table, columns in added.items():
        yield f"CREATE TEMP VIEW {table} AS SELECT *, {', '.join(columns)} FROM main.{table}"  # noqa: S608
