"""What an executor holds while it works: the target's lock, the lease with its token, the heartbeat."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from actions.ledger.locks import FileLock, lock_path
from actions.ledger.processes import this_process
from actions.ledger.writer import LedgerWriter
from actions.model.errors import Busy
from actions.model.identity import short_id

PATIENCE_SECONDS = 2.0

log = logging.getLogger(__name__)


@contextmanager
def hold(ledger: LedgerWriter, run_id: str, *, actor: str = "executor") -> Iterator[int]:
    """Hold the target of a run for a block; yields the token. Raises Busy, Refused or LedgerError before anything.

    When the process dies inside, the kernel gives the lock back as soon as no child of it works any more.
    """
    run = ledger.run(run_id)
    lock = FileLock(lock_path(ledger.directory, run.target))
    try:
        lock.acquire(patience=PATIENCE_SECONDS)
    except Busy:
        raise Busy(
            f"'{run.target}' is held by another executor or a child of one; run {short_id(run_id)} was not touched",
            run_id=run_id,
        ) from None
    try:
        token = ledger.acquire(run_id, actor=actor, holder=this_process())
        log.info("run %s: holds %s with token %d", run_id, run.target, token)
        yield token
    finally:
        lock.release()
