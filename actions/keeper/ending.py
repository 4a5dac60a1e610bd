"""Ending whatever works on a ledger that is about to be removed together with the stack it belongs to."""

import asyncio
from pathlib import Path

from actions.keeper.launch import keeper_facts, stop_keeper
from actions.ledger import open_reader
from actions.model.errors import LedgerError
from actions.runner.ending import end_holder
from actions.runner.steer import AT_WORK


def end_processes(ledger: Path, environment: str = "sandbox") -> None:
    """End the keeper and the executor at work on `ledger`. A ledger that cannot be read has neither.

    Blocking. Raises Refused when the executor works on another host, Busy when a child of it goes on.
    """
    try:
        if keeper_facts(ledger).alive:
            asyncio.run(stop_keeper(ledger))
        if ledger.exists():
            _end_executor(ledger, environment)
    except LedgerError:
        return  # damaged or half made: it goes with its directory


def _end_executor(ledger: Path, environment: str) -> None:
    with open_reader(ledger) as reader:
        run = reader.active(environment)
        if run is not None and reader.executor(run.id).state in AT_WORK:
            end_holder(reader, run.id)
