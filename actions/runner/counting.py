"""What the run costs its users so far, told while it goes on: the operator decides by it."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import JsonValue

from actions.ledger.writer import Entry
from actions.model.run import EventKind
from actions.runner.journal import Journal

if TYPE_CHECKING:
    from actions.steps.measures import Measures

EVERY_SECONDS = 1.0
_TELLING = ("downtime_seconds", "failed_requests", "users_affected", "measured_by")
"""Figures whose change is worth an event: a run that waits for hours must not fill the journal."""


async def count(measures: "Measures", journal: Journal, measuring: Callable[[], bool]) -> None:
    """Put the figures so far into the journal whenever they changed, at most once in `EVERY_SECONDS`, for ever."""
    told: dict[str, JsonValue] | None = None
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        if not measuring():
            continue
        figures = await measures.so_far()
        now = {name: figures.get(name) for name in _TELLING}
        if measuring() and now != told:
            journal.aside(Entry(EventKind.MEASURED, None, 1, figures))
            told = now
