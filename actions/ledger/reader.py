"""The reading ledger: what consoles and commands hold."""

import sqlite3

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from actions.ledger import sqlite
from actions.ledger.anchor import read_anchors
from actions.ledger.audit import contradiction
from actions.ledger.chain import check_tail, walk
from actions.ledger.facts import FactsReading
from actions.ledger.history import HistoryReading
from actions.ledger.left import LeftReading
from actions.ledger.tables import event
from actions.ledger.witness import held_outside
from actions.model.errors import LedgerError
from actions.model.record import AuditReport


class LedgerReader(HistoryReading, FactsReading, LeftReading):
    """Reads a ledger; cannot write it, because its connections cannot."""

    def check_tail(self) -> None:
        """Raises LedgerError when the newest part of the journal is broken; cheap enough for every start of a run."""
        anchors = self._newest_anchors()
        with self._read() as connection:
            check_tail(connection, anchors)

    def verify(self) -> AuditReport:
        """Walk the whole chain, compare its end with the head and all anchors, and runs with their journal."""
        try:
            anchors = [*read_anchors(self.directory), *held_outside(self.directory, self.identity)]
            with self._read() as connection:
                report = walk(connection, anchors)
                problem = "" if not report.intact else self._pages() or contradiction(connection)
        except LedgerError as error:
            return AuditReport(
                intact=False, events=0, head="", first_bad=self._first_unreadable(), problem=error.message
            )
        return report.model_copy(update={"intact": False, "problem": problem}) if problem else report

    def _pages(self) -> str:
        with self._read() as connection:
            return sqlite.quick_check(connection)

    def _first_unreadable(self) -> int | None:
        """Number of the first event that cannot be read; None when not even that can be told."""
        seq = 0
        try:
            with self._reading.connect() as connection:
                while row := connection.execute(
                    select(event).where(event.c.seq > seq).order_by(event.c.seq).limit(1)
                ).first():
                    seq = row.seq
        except (DBAPIError, sqlite3.Error):
            return seq + 1
        return None
