"""Ending exactly the process that carries a run out, and nothing else."""

import os
import signal
import time

from actions.ledger.processes import host_name, state_of
from actions.ledger.reader import LedgerReader
from actions.ledger.target_lock import locked_file
from actions.model.errors import Busy, Refused
from actions.model.waiting import Deadline

END_SECONDS = 10.0


def end_holder(ledger: LedgerReader, run_id: str) -> int:
    """SIGKILL to the executor that holds the run's target, if it is still that very process; its number.

    Returns when its lock is free. Raises Refused when it works on another host, Busy when a child of it goes on.
    """
    target, holder = ledger.run(run_id).target, ledger.lease_holder(run_id)
    if holder is None or holder.host != host_name():
        raise Refused(f"the executor works on '{holder.host if holder else 'another host'}'; take the run over there")
    if state_of(holder) is not None:
        os.kill(holder.pid, signal.SIGKILL)
    deadline = Deadline(END_SECONDS)
    while locked_file(ledger.directory, target, ledger.identity) is not None:
        if deadline.passed:
            raise Busy(
                f"'{target}' is still held by a child of process {holder.pid}; wait for it, or end it by hand",
                run_id=run_id,
            )
        time.sleep(0.02)
    return holder.pid
