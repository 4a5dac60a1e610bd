"""A run made under broken glass is told at once, not when it ends."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from actions.ledger.writer import LedgerWriter
from actions.model.errors import VqError
from actions.model.run import Run
from actions.notices.outbox import deliver
from actions.runner.alarms import alarm

if TYPE_CHECKING:
    from actions.model.environment import Environment

TELL_SECONDS = 5.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def told_at_once(ledger: LedgerWriter, run: Run, environment: "Environment") -> AsyncIterator[None]:
    """Queue the red notice of a run under broken glass before the block, and deliver it beside it; else nothing."""
    if not run.broke_glass:
        yield
        return
    await asyncio.to_thread(alarm, ledger, run.id, environment, _words(run), red=True)
    telling = asyncio.create_task(_deliver(ledger, run, environment))
    try:
        yield
    finally:
        await telling


async def _deliver(ledger: LedgerWriter, run: Run, environment: "Environment") -> None:
    """A channel that is down changes no verdict: it is tried again at the end of the run."""
    try:
        await deliver(ledger, {run.environment: environment}, run_id=run.id, seconds=TELL_SECONDS)
    except VqError as error:
        log.warning("the notice of the broken glass was not delivered: %s", error.message)


def _words(run: Run) -> str:
    what = f"rolls back {run.from_version or 'unknown'} to {run.to_version} while the ledger refuses ({run.reason})"
    after = "no global lock, and nothing of it is in the history until 'vq-tui audit import'"
    return f"breaks the glass: {run.operator} {what}; {after}"
