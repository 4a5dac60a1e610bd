"""Conditions the stack waits for, each with a deadline."""

from collections.abc import Awaitable, Callable
from typing import Any

from actions.clients.local_api import LocalApi
from actions.model.errors import VqError
from actions.model.waiting import Deadline, until

EVERY = 0.03


async def fetch(base: str, path: str, *, what: str, seconds: float = 3.0) -> Any:
    """The JSON that a part of the stack answers with. Raises VqError when it does not answer well."""
    return await LocalApi(base, what=what, timeout=seconds).read(path)


async def well(base: str, path: str, deadline: Deadline, *, what: str) -> None:
    """Until a part answers well at `path`. Raises VerifyFailed with what it said instead."""

    async def complaint() -> str:
        try:
            await fetch(base, path, what=what, seconds=1.5)
        except VqError as error:
            return error.message
        return ""

    await quiet(complaint, deadline)


async def quiet(check: Callable[[], Awaitable[str]], deadline: Deadline) -> None:
    """Until a check has nothing to complain about. Raises VerifyFailed with the last complaint."""
    await until(check, lambda complaint: not complaint, deadline, str, every=EVERY)
