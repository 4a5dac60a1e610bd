"""Several pieces of work at the same time, none of which is left running behind."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from actions.model.errors import Ambiguous, Unreachable

T = TypeVar("T")


async def all_of(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All results. A piece that fails ends no other one in the middle; then its error is raised.

    An error that says what is so is raised before one that only says that nothing is known. Cancelled, all are.
    """
    tasks = [asyncio.ensure_future(one) for one in work]
    waiting = set(tasks)
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                if not isinstance(task.exception(), Exception | None):
                    task.result()  # the end of this process, not a failure
    finally:
        await _end(tasks)
    errors = [error for task in tasks if isinstance(error := task.exception(), Exception)]
    if errors:
        raise min(errors, key=lambda error: isinstance(error, Ambiguous | Unreachable))
    return [task.result() for task in tasks]


async def first_failure(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All results of work that only looks: the first error is raised at once, and the rest is ended."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        await _end(tasks)


async def _end(tasks: list[asyncio.Task[T]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
