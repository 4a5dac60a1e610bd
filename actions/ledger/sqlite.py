"""Everything that is particular to SQLite; the only place with its own SQL."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, SQLAlchemyError

from actions.ledger.place import DATABASE
from actions.model.errors import LedgerError

BUSY_MILLISECONDS = 10_000
"""How long a writer waits for another one before it says so."""

READER_BUSY_MILLISECONDS = 2_000

APPEND_ONLY = (
    "CREATE TRIGGER IF NOT EXISTS event_no_update BEFORE UPDATE ON event"
    " BEGIN SELECT RAISE(ABORT, 'events are never changed'); END",
    "CREATE TRIGGER IF NOT EXISTS event_no_delete BEFORE DELETE ON event"
    " BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END",
)


class DiskFull(LedgerError):
    """The disk that holds the ledger is full; nothing of the write was kept."""


def make_engine(directory: Path, *, writer: bool, frozen: bool = False) -> Engine:
    """An engine on `directory`'s database. Writers begin IMMEDIATE; readers cannot write at all.

    `frozen` opens a database nobody can be writing, on a medium where not even the shared index can be created.
    """
    path = str((directory / DATABASE).absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    mode = "rw" if writer else "ro&immutable=1" if frozen else "ro"
    seconds = (BUSY_MILLISECONDS if writer else READER_BUSY_MILLISECONDS) / 1000

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            f"file:{path}?mode={mode}", uri=True, timeout=seconds, isolation_level=None, check_same_thread=False
        )

    engine = create_engine("sqlite://", creator=connect, pool_size=4, max_overflow=12, poolclass=_pool_class())

    @event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in ("foreign_keys=ON", "trusted_schema=OFF", "cell_size_check=ON"):
            connection.execute(f"PRAGMA {pragma}")
        if writer:
            connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction that turns into a writing one fails at once, whatever the busy timeout (fact 17).
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


def on_connect(engine: Engine, statements: tuple[str, ...]) -> None:
    """Run these on each connection from now on; they may only concern the connection itself."""

    @event.listens_for(engine, "connect")
    def _run(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA temp_store=MEMORY")
        for statement in statements:
            connection.execute(statement)

    engine.dispose()


def _pool_class() -> type[Any]:
    from sqlalchemy.pool import QueuePool

    return QueuePool


def prepare_database(connection: Connection) -> None:
    """Settings kept in the file itself; outside any transaction."""
    raw = connection.connection.dbapi_connection
    if raw is None:
        raise LedgerError("the ledger's database connection was lost while it was opened; try again")
    mode = raw.cursor().execute("PRAGMA journal_mode=WAL").fetchone()
    if mode[0] != "wal":
        raise LedgerError(f"the ledger's database cannot use a write-ahead log here (it says '{mode[0]}')")


def data_version(connection: sqlite3.Connection) -> int:
    """Changes whenever another connection committed; only comparable on one connection."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def raw_connection(engine: Engine) -> sqlite3.Connection:
    """A connection of its own, outside the pool."""
    connection = engine.raw_connection()
    detached = connection.dbapi_connection
    connection.detach()
    if not isinstance(detached, sqlite3.Connection):
        raise LedgerError("the ledger's database is not SQLite")
    return detached


def quick_check(connection: Connection) -> str:
    """Empty when the pages of the file hang together; otherwise SQLite's first complaint."""
    first = connection.execute(text("PRAGMA quick_check(1)")).scalar_one()
    return "" if first == "ok" else str(first)


@contextmanager
def translated(directory: Path) -> Iterator[None]:
    """Turns what the database says into one clear LedgerError."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise _explain(directory, error) from error
    except ValidationError as error:
        raise LedgerError(
            f"the ledger in {directory} holds a row that cannot be read ({error.error_count()} fields of"
            f" {error.title}); run 'vq-tui audit verify' and restore it from a copy"
        ) from error
    except (SQLAlchemyError, ValueError, TypeError) as error:
        raise LedgerError(f"the ledger in {directory} is damaged: {type(error).__name__} in a row") from error


def _explain(directory: Path, error: DBAPIError | sqlite3.Error) -> LedgerError:
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, InterfaceError):
        return LedgerError(f"the ledger in {directory} holds a value of a wrong type; run 'vq-tui audit verify'")
    code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(
            f"the disk that holds the ledger {directory} is full; nothing was done; free space and try again"
        )
    words = {
        sqlite3.SQLITE_BUSY: f"has been written by another process for over {BUSY_MILLISECONDS // 1000} s; try again",
        sqlite3.SQLITE_LOCKED: "is locked by another process; try again",
        sqlite3.SQLITE_READONLY: "cannot be written: it is read-only here",
        sqlite3.SQLITE_CANTOPEN: "cannot be opened; check the rights and that the file is there",
        sqlite3.SQLITE_IOERR: "could not be read or written (input/output error); check the disk and its free space",
        sqlite3.SQLITE_CORRUPT: "is damaged; keep the files, restore a copy, and start no run on it",
        sqlite3.SQLITE_NOTADB: "is not a ledger: the file is damaged or something else; restore a copy",
        sqlite3.SQLITE_PERM: "cannot be opened: no rights",
    }
    return LedgerError(f"the ledger in {directory} {words.get(code, f'failed: {cause}')}")
