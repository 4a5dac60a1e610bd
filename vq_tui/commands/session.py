"""How a command gets its session, and how it runs its work."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from vq_tui.commands.given import Session as Session

TERMINATED = 143

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]
Service = Annotated[str | None, typer.Option("--service", metavar="NAME", help="The service, where there are several.")]


def session(context: typer.Context, json: bool) -> Session:
    """The session of this command line; `json` as given after the command's name counts too."""
    found = context.find_root().obj
    assert isinstance(found, Session)
    found.output.json = found.output.json or json
    return found


def run(work: Callable[[], Awaitable[int]]) -> int:
    """Run a command's coroutine to its end. SIGTERM cancels it, so that its `finally` parts run; then 143."""

    async def main() -> int:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        terminated = False

        def terminate() -> None:
            nonlocal terminated
            terminated = True
            task.cancel()

        loop.add_signal_handler(signal.SIGTERM, terminate)
        try:
            return await work()
        except asyncio.CancelledError:
            if not terminated:
                raise
            return TERMINATED

    return asyncio.run(main())
