"""The opened database of a ledger: one engine for reading, and for a writer one more for writing."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import DBAPIError

from actions.ledger import sqlite
from actions.ledger.anchor import Anchor, last_anchor, write_anchor
from actions.ledger.chain import GENESIS
from actions.ledger.migrations import migrate, stored_format, views
from actions.ledger.place import DATABASE, check_place, is_filled, prepare_place
from actions.ledger.tables import SCHEMA_VERSION, head, meta, metadata, one_active_run
from actions.ledger.witness import held_outside, hold_outside
from actions.model.errors import LedgerError
from actions.model.identity import new_id


class Store:
    """Opens for reading. All methods are blocking and may be called from any thread."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._version_lock = threading.Lock()
        self._version_connection: sqlite3.Connection | None = None
        self.identity = ""
        self.format = 0
        self._reading: Engine = self._open()

    def _open(self) -> Engine:
        check_place(self.directory)
        with sqlite.translated(self.directory):
            try:
                return self._opened(frozen=False)
            except DBAPIError:
                if not self._unchanging():
                    raise
                return self._opened(frozen=True)

    def _opened(self, *, frozen: bool) -> Engine:
        engine = sqlite.make_engine(self.directory, writer=False, frozen=frozen)
        try:
            self._recognise(engine)
        except BaseException:
            engine.dispose()
            raise
        if self.format < SCHEMA_VERSION:
            sqlite.on_connect(engine, tuple(views(self.format)))
        return engine

    def _recognise(self, engine: Engine) -> None:
        """The ledger's format, and its identity. Raises LedgerError when it is not one that this version reads."""
        with engine.connect() as connection:
            if not engine.dialect.has_table(connection, "meta"):
                raise LedgerError(
                    f"the ledger in {self.directory} is empty: it was never set up; start a run or the keeper first"
                )
            self.format = stored_format(connection, self.directory)
            named = select(meta.c.value).where(meta.c.name == "identity")
            self.identity = connection.execute(named).scalar_one_or_none() or ""

    def _newest_anchors(self) -> tuple[Anchor, ...]:
        """What the end of the chain is held to: the newest anchor in the directory, and those outside it."""
        inside = last_anchor(self.directory)
        return (*([inside] if inside is not None else []), *held_outside(self.directory, self.identity))

    def _unchanging(self) -> bool:
        """Whether nobody can write here and no unsaved log is left: a read-only mount or directory."""
        import os

        log = self.directory / f"{DATABASE}-wal"
        return not os.access(self.directory, os.W_OK) and (not log.exists() or log.stat().st_size == 0)

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """One consistent, short look."""
        with sqlite.translated(self.directory), self._reading.connect() as connection:
            yield connection

    def data_version(self) -> int:
        """Changes whenever another connection committed; cheap enough to ask several times a second."""
        with self._version_lock, sqlite.translated(self.directory):
            if self._version_connection is None:
                self._version_connection = sqlite.raw_connection(self._reading)
            return sqlite.data_version(self._version_connection)

    def close(self) -> None:
        """Give the connections back. The object is of no use afterwards."""
        with self._version_lock:
            if self._version_connection is not None:
                self._version_connection.close()
                self._version_connection = None
        self._reading.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class WritingStore(Store):
    """Opens for writing too, and creates the directory and the tables when they are absent."""

    def __init__(self, directory: Path) -> None:
        known = is_filled(directory)
        if known:
            super().__init__(directory)  # first: what this version cannot read is left as it is
        with ExitStack() as undo:
            if known:
                undo.callback(super().close)
            prepare_place(directory)
            self._writing: Engine = sqlite.make_engine(directory, writer=True)
            if known and self.format == SCHEMA_VERSION:
                undo.pop_all()
                return
            with ExitStack() as unmade:
                unmade.callback(self._writing.dispose)
                with sqlite.translated(directory):
                    _create(self._writing, directory)
                unmade.pop_all()
        super().__init__(directory)

    def _anchor(self, seq: int, tip: str, run_id: str) -> None:
        """Hold the head of the chain in the anchor file and outside the directory. Raises LedgerError."""
        anchor = write_anchor(self.directory, seq, tip, run_id)
        hold_outside(self.directory, self.identity, anchor)

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        """One writing transaction, on disk when the block is left; undone when it raises."""
        with sqlite.translated(self.directory), self._writing.begin() as connection:
            yield connection

    def close(self) -> None:
        """Give the connections back. The last one out folds the log into the database."""
        super().close()
        self._writing.dispose()


def _create(engine: Engine, directory: Path) -> None:
    with engine.connect() as connection:
        present = engine.dialect.has_table(connection, "head")
    if present:
        return migrate(engine, directory)
    with engine.connect() as connection:
        connection.rollback()
        sqlite.prepare_database(connection)
    with engine.begin() as connection:
        if engine.dialect.has_table(connection, "head"):
            return None
        one_active_run(engine.dialect.name)
        metadata.create_all(connection)
        for trigger in sqlite.APPEND_ONLY:
            connection.exec_driver_sql(trigger)
        connection.execute(insert(meta).values(name="schema", value=str(SCHEMA_VERSION)))
        connection.execute(insert(meta).values(name="identity", value=new_id()))
        connection.execute(insert(head).values(id=1, seq=0, hash=GENESIS))
    return None
