"""How a command gets its session, and how it runs its work."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from vq_tui.commands.given import Session as Session
from vq_tui.commands.guard import ENDING, Terminated

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]
Service = Annotated[str | None, typer.Option("--service", metavar="NAME", help="The service, where there are several.")]


def session(context: typer.Context, json: bool) -> Session:
    """The session of this command line; `json` as given after the command's name counts too."""
    found = context.find_root().obj
    assert isinstance(found, Session)
    found.output.json = found.output.json or json
    return found


def run(work: Callable[[], Awaitable[int]]) -> int:
    """Run a command's coroutine to its end. A signal that ends it cancels it: its `finally` parts run.

    Raises Terminated then, and KeyboardInterrupt for Ctrl-C: `guarded` tells either in one line, or one object.
    Until the loop listens, and once it no longer does, the signals wait: what a handler raises in there would be lost.
    """
    heard = {number: signal.getsignal(number) for number in ENDING}
    heard = {number: handler for number, handler in heard.items() if handler is not signal.SIG_IGN}
    signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    try:
        return asyncio.run(_cancellable(work, list(heard)))
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, heard)


async def _cancellable(work: Callable[[], Awaitable[int]], numbers: list[signal.Signals]) -> int:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    received: list[int] = []

    def end(number: int) -> None:
        received.append(number)
        task.cancel()

    for number in numbers:
        loop.add_signal_handler(number, end, number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    try:
        return await work()
    except asyncio.CancelledError:
        if not received:
            raise
        raise Terminated(received[0]) from None
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
