"""What an executor holds while it works: the target's lock, the lease with its token, the heartbeat."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from actions.ledger.processes import this_process
from actions.ledger.target_lock import TargetLock
from actions.ledger.writer import LedgerWriter
from actions.model.errors import Busy
from actions.model.identity import short_id
from actions.model.run import EventKind, Run

PATIENCE_SECONDS = 2.0

log = logging.getLogger(__name__)


@contextmanager
def hold(ledger: LedgerWriter, run_id: str, *, actor: str = "executor") -> Iterator[int]:
    """Hold the target of a run for a block; yields the token. Raises Busy, Refused or LedgerError before anything.

    When the process dies inside, the kernel gives the lock back as soon as no child of it works any more.
    """
    run = ledger.run(run_id)
    with ExitStack() as held:
        if run.broke_glass:
            _hold_there_too(held, ledger, run)
        _hold(held, TargetLock(ledger.directory, run.target, ledger.identity), run)
        token = ledger.acquire(run_id, actor=actor, holder=this_process())
        log.info("run %s: holds %s with token %d", run_id, run.target, token)
        yield token


def _hold(held: ExitStack, lock: TargetLock, run: Run) -> None:
    try:
        lock.acquire(patience=PATIENCE_SECONDS)
    except Busy:
        raise Busy(
            f"'{run.target}' is held by another executor or a child of one; run {short_id(run.id)} was not touched",
            run_id=run.id,
        ) from None
    held.callback(lock.release)
    for problem in lock.problems:
        log.warning("run %s: no global lock: %s", run.id, problem)


def _hold_there_too(held: ExitStack, ledger: LedgerWriter, run: Run) -> None:
    """A run of the emergency ledger holds the target in the ledger that was refused as well, where that is possible."""
    why = next(one.body for one in ledger.events(run.id) if one.kind is EventKind.BREAK_GLASS)
    _hold(held, TargetLock(Path(str(why["ledger"])), run.target, refused=True), run)
