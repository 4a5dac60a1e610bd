"""Bringing the runs of the emergency ledger into the ledger, once this one works again."""

from datetime import UTC, datetime
from pathlib import Path

from actions.desk.break_glass import import_lock
from actions.ledger.importing import Carrying
from actions.ledger.place import DATABASE
from actions.ledger.writer import LedgerWriter
from actions.model.crash import crashpoint
from actions.model.errors import LedgerError
from actions.model.glass import ImportReport
from actions.model.words import RunState


def bring_in(ledger: LedgerWriter, emergency: Path, config_path: Path, *, by: str) -> ImportReport:
    """Every ended run of the emergency ledger, each whole or not at all; what is there already is left as it is.

    The emergency ledger is put aside once none of its runs is left, never deleted. Raises LedgerError when either of
    the two is damaged, Busy while another one brings them in or a run is being asked for there.
    """
    if not (emergency / DATABASE).exists():
        return ImportReport(source=str(emergency))
    ledger.ready()
    _verified(emergency)
    lock = import_lock(emergency)
    lock.acquire()
    try:
        with Carrying(emergency) as carrying:
            report = _carry_over(ledger, carrying, config_path, by)
        if report.active or report.others or not (report.imported or report.known):
            return report
        crashpoint("import.before-aside")
        aside = emergency.with_name(f"{emergency.name}.imported-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
        emergency.rename(aside)
    except OSError as error:
        raise LedgerError(f"all is brought in, but {emergency} cannot be put aside: {error.strerror}") from error
    finally:
        lock.release()
    return report.model_copy(update={"kept": str(aside)})


def _verified(emergency: Path) -> None:
    problem = ""
    try:
        with Carrying(emergency) as carrying:
            problem = carrying.verify().problem
    except LedgerError as error:
        problem = error.message
    if problem:
        raise LedgerError(
            f"the emergency ledger in {emergency} is damaged: {problem}; nothing was brought in. Restore it from a copy"
            " and try again; otherwise keep it as evidence, move it away, and block what its runs left by hand"
        )


def _carry_over(ledger: LedgerWriter, carrying: Carrying, config_path: Path, by: str) -> ImportReport:
    imported, known, active, others = [], [], [], []
    conflicts: list[str] = []
    for run_id in carrying.journaled():
        if ledger.has_run(run_id):
            known.append(run_id)
        elif not _ours(ledger, carrying, run_id, config_path):
            others.append(run_id)
        elif RunState(carrying.run(run_id).state).active:
            active.append(run_id)
        else:
            found = ledger.bring_in(carrying.carried(run_id), source=carrying.directory, by=by)
            imported.append(run_id)
            conflicts += found or ()
            crashpoint("import.after-run")
    return ImportReport(
        source=str(carrying.directory),
        imported=tuple(imported),
        known=tuple(known),
        active=tuple(active),
        others=tuple(others),
        conflicts=tuple(conflicts),
    )


def _ours(ledger: LedgerWriter, carrying: Carrying, run_id: str, config_path: Path) -> bool:
    """Whether the run is about this ledger or this configuration: a shared directory may hold those of others."""
    refused = carrying.why(run_id).get("ledger")
    return refused == str(ledger.directory) or carrying.config_path(run_id) == config_path.absolute()
