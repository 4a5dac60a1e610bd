"""The writing ledger: held by executors, the keeper, and the desk of an operator; never by a read-only session."""

from actions.ledger.clearing import Clearing
from actions.ledger.importing import Importing
from actions.ledger.journaling import Entry, Journaling, LostLock, Told
from actions.ledger.reader import LedgerReader
from actions.ledger.recording import Recording
from actions.ledger.steering import Steering
from actions.ledger.submitting import Submitting

__all__ = ["Entry", "LedgerWriter", "LostLock", "Told"]


class LedgerWriter(Submitting, Journaling, Steering, Recording, Clearing, Importing, LedgerReader):
    """Reads and writes a ledger. Blocking; may be called from any thread."""
