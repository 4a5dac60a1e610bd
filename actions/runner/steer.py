"""Telling a run something and making sure that somebody is there to hear it; taking a run over from an executor."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from actions.ledger import open_reader, open_writer
from actions.ledger.starting import on_its_way
from actions.ledger.submitting import LAUNCH_SECONDS
from actions.ledger.writer import LedgerWriter
from actions.model.errors import Refused
from actions.model.identity import short_id
from actions.model.record import CommandRow
from actions.model.run import EventKind, Executor, Run
from actions.model.words import Command, RunState
from actions.runner.ending import end_holder
from actions.runner.launch import launch

AT_WORK = ("alive", "slow", "stopped")
_WAITING = (RunState.PAUSED, RunState.NEEDS_OPERATOR)
_NEED_AN_EXECUTOR = {Command.RESUME, Command.ABORT, Command.BACK_OUT}


def resume(ledger_dir: Path, run_id: str, *, by: str = "") -> None:
    """Have the run go on from its journal: wake the executor that waits, or start one. Raises VqError.

    Nothing happens to a run that is being carried out. To go back instead, `steer` it with BACK_OUT.
    """
    with open_writer(ledger_dir) as ledger:
        run = ledger.run(run_id)
        if not run.state.active:
            raise Refused(f"run {short_id(run_id)} has ended ({run.state.value}); there is nothing to resume")
        if run.state in _WAITING:
            ledger.command(run_id, Command.RESUME, by=by or run.operator)
        heard = _heard(ledger, run_id)
    if not heard:
        launch(ledger_dir, run_id)


def steer(ledger_dir: Path, run_id: str, what: Command, *, by: str, reason: str = "") -> CommandRow:
    """Tell a run something; where it takes an executor to obey and none is at work, one is started. Raises VqError."""
    with open_writer(ledger_dir) as ledger:
        row = ledger.command(run_id, what, by=by, reason=reason)
        heard = _heard(ledger, run_id) or _starting(ledger_dir, ledger.run(run_id))
    if what in _NEED_AN_EXECUTOR and not heard:
        launch(ledger_dir, run_id)
    return row


def _heard(ledger: LedgerWriter, run_id: str) -> bool:
    """Whether an executor hears what the run is told. The one of a run that needs a person is leaving, if still there.

    One that is started beside it waits for its lock, or finds the run carried out by another and leaves.
    """
    working = ledger.executor(run_id).state in AT_WORK
    return working and ledger.run(run_id).state is not RunState.NEEDS_OPERATOR


def _starting(directory: Path, run: Run) -> bool:
    """Whether an executor may be on its way; one that is started all the same finds the target locked and leaves."""
    if run.state is RunState.QUEUED and on_its_way(directory, run.id):
        return True
    return run.state is RunState.QUEUED and datetime.now(UTC) - run.created_at < timedelta(seconds=LAUNCH_SECONDS)


def take_over(ledger_dir: Path, run_id: str, *, by: str, reason: str = "", stop: bool = False) -> Executor:
    """Make `by` the owner of the run, and have somebody carry it out. One that waits for a person goes on waiting.

    An executor that works goes on under its new owner. One that is stopped, or hangs, holds the target; only with
    `stop` is it ended, by SIGKILL and only if it is that very process; another one goes on from the journal.
    Returns who carried it out until now. Raises Refused or Busy; nothing that lives is ever passed by in silence.
    """
    ended: int | None = None
    with open_reader(ledger_dir) as reader:  # one that was stopped in a write keeps every other writer out
        run = reader.run(run_id)
        if not run.state.active:
            raise Refused(f"run {short_id(run_id)} has ended ({run.state.value}); there is nothing to take over")
        before = reader.executor(run_id)
        if before.state in ("stopped", "slow"):
            if not stop:
                raise Refused(
                    f"the executor of run {short_id(run_id)} holds its target and does not move (process {before.pid}"
                    f" on '{before.host}': {before.detail}); take it over with --stop to end it first"
                )
            ended = end_holder(reader, run_id)
    with open_writer(ledger_dir) as ledger:
        if ended is not None:
            body = {"from_pid": ended, "by": by, "reason": reason or "it did not move"}
            ledger.append(run_id, EventKind.LOCK_STOLEN, body=body, fence=0, actor=by)
        ledger.change_owner(run_id, by, reason=reason)
    if before.state != "alive" and run.state not in _WAITING:
        launch(ledger_dir, run_id)
    return before
