"""Ending whatever works on a ledger that is about to be removed together with the stack it belongs to."""

import asyncio
import os
import signal
from pathlib import Path

from actions.keeper.launch import keeper_facts, stop_keeper
from actions.ledger import open_reader
from actions.ledger.reader import LedgerReader
from actions.model.errors import LedgerError
from actions.model.run import Executor
from actions.model.waiting import Deadline, until

GONE_SECONDS = 5.0
AT_WORK = {"alive", "slow", "stopped"}


def end_processes(ledger: Path, environment: str = "sandbox") -> None:
    """End the keeper and the executor at work on `ledger`. Blocking; a ledger that cannot be read has neither."""
    try:
        if keeper_facts(ledger).alive:
            asyncio.run(stop_keeper(ledger))
        if ledger.exists():
            _end_executor(ledger, environment)
    except LedgerError:
        return  # damaged or half made: it goes with its directory


def _end_executor(ledger: Path, environment: str) -> None:
    reader = open_reader(ledger)
    try:
        run = reader.active(environment)
        if run is not None and (found := reader.executor(run.id)).state in AT_WORK and found.pid:
            os.kill(found.pid, signal.SIGKILL)
            asyncio.run(_gone(reader, run.id))
    finally:
        reader.close()


async def _gone(reader: LedgerReader, run_id: str) -> Executor:
    return await until(
        lambda: asyncio.to_thread(reader.executor, run_id),
        lambda seen: seen.state not in AT_WORK,
        Deadline(GONE_SECONDS),
        lambda seen: f"process {seen.pid} is {seen.state}",
    )
