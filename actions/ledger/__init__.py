"""The durable record: runs, their hash-chained journal, leases, gates, commands, releases, notices, drills.

`open_reader` and `open_writer` are the doors. The database library is loaded when one of them is called, not before.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actions.ledger.reader import LedgerReader
    from actions.ledger.writer import LedgerWriter


def open_reader(directory: Path) -> "LedgerReader":
    """Open an existing ledger. Raises LedgerError when absent, damaged, newer, unsafe, or without rights."""
    from actions.ledger.reader import LedgerReader

    return LedgerReader(directory)


def open_writer(directory: Path) -> "LedgerWriter":
    """Open a ledger for writing; its directory (0700) and schema are created when absent. Raises LedgerError."""
    from actions.ledger.writer import LedgerWriter

    return LedgerWriter(directory)
