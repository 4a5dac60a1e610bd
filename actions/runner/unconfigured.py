"""A run whose configuration cannot be read any more is not carried on: a person is told what to mend."""

import logging

from actions.config import command_line
from actions.ledger.writer import Entry, LedgerWriter
from actions.model.errors import VqError
from actions.model.identity import short_id
from actions.model.run import EventKind
from actions.model.words import RunState
from actions.runner.alarms import alarm_all
from actions.runner.progress import RunProgress

ACTOR = "executor"

log = logging.getLogger(__name__)


def cannot_begin(ledger: LedgerWriter, run_id: str, token: int, error: VqError) -> RunState:
    """End it when nothing was touched; else leave it to a person, with the steps, and tell every channel."""
    progress = RunProgress(ledger.plan(run_id), ledger.events(run_id))
    state = RunState.NEEDS_OPERATOR if progress.changed else RunState.FAILED
    words = error.message if progress.changed else f"{error.message}; nothing was touched"
    log.error("%s", words)
    if progress.changed:
        manual = Entry(EventKind.MANUAL, None, 1, {"steps": list(_steps(ledger, run_id, progress, error))})
        ledger.append_all(run_id, (manual,), fence=token, actor=ACTOR)
    alarm_all(ledger, run_id, f"{state.value}: {words}")
    if ledger.run(run_id).state is not state:
        ledger.finish(run_id, state, fence=token, actor=ACTOR, reason=words)
    return state


def _steps(ledger: LedgerWriter, run_id: str, progress: RunProgress, error: VqError) -> tuple[str, ...]:
    """What a person must do. How each effect is taken back only the platform's driver could tell, and none is there."""
    where = ledger.config_path(run_id)
    standing = "; ".join(one.title for one in progress.to_undo())
    again = command_line(f"runs resume {short_id(run_id)}", where, ledger.run(run_id).environment)
    return (
        f"mend {where}: {error.message}",
        f"then: {again} (goes on from what it then finds)",
        f"until then this stands as it was left: {standing}",
    )
