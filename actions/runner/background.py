"""What works beside the steps of a run: none of it ends the run, and what fails is noted and begins again."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from actions.ledger.writer import Entry
from actions.model.run import EventKind
from actions.model.supervised import Supervised
from actions.runner.journal import Journal


@asynccontextmanager
async def background(journal: Journal, works: Mapping[str, Callable[[], Awaitable[None]]]) -> AsyncIterator[None]:
    """Have these work, by name, for as long as the block lasts."""

    def note(problem: str) -> None:
        if problem:
            journal.aside(Entry(EventKind.NOTE, None, 1, {"text": journal.redactor.text(problem)}))

    tasks = [Supervised(name, work, changed=note) for name, work in works.items()]
    for task in tasks:
        task.start()
    try:
        yield
    finally:
        for task in tasks:
            await task.stop()
