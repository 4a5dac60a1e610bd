"""Runs made under broken glass that wait to be brought into the ledger. Only reads."""

import shlex
from pathlib import Path

from actions.ledger import open_reader
from actions.ledger.place import DATABASE
from actions.model.errors import LedgerError
from actions.model.plan import RollbackOffer
from actions.model.record import RunQuery
from actions.model.words import Gate

MOST = 1_000


def waiting(emergency: Path, ledger: Path) -> str:
    """What of an emergency ledger the ledger does not have, in words; empty when there is nothing."""
    if emergency == ledger or not _there(emergency):
        return ""
    try:
        with open_reader(emergency) as reader:
            found = {run.id for run in reader.runs(RunQuery(limit=MOST)).runs}
    except LedgerError as error:
        return f"runs made under broken glass cannot be read: {error.message}"
    count = len(found - _known(ledger, found))
    return (
        f"{count} {'run' if count == 1 else 'runs'} made under broken glass {'waits' if count == 1 else 'wait'}"
        if count
        else ""
    )


def _there(directory: Path) -> bool:
    try:
        return (directory / DATABASE).exists()
    except OSError:
        return False


def _known(ledger: Path, wanted: set[str]) -> set[str]:
    if not wanted:
        return wanted
    try:
        with open_reader(ledger) as reader:
            return {one for one in wanted if reader.has_run(one)}
    except LedgerError:
        return set()  # it still refuses: none of them can be in it


def glass_words(service: str | None = None, to: str | None = None) -> str:
    """The words of the command that breaks the glass; what is not known yet stands in capitals."""
    about = f"--service {shlex.quote(service)} " if service else ""
    return f"rollback {about}--to {shlex.quote(to) if to else 'VERSION'} --reason TEXT --break-glass"


def unwritable(offer: RollbackOffer) -> bool:
    """Whether an offer has no plan because no journal could be written."""
    return offer.plan is None and any(one.id == "journal" and one.gate is Gate.FAIL for one in offer.readiness.checks)
