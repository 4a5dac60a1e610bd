"""Calls that may hang in the operating system (name lookup, a dead network disk), kept away from everything else.

A hung call cannot be cancelled. Each runs in a daemon thread of its own, at most one per key at a time: whoever asks
again joins the call under way. So a dead name server costs one thread per name, never the event loop's thread pool.
"""

import asyncio
import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

_under_way: dict[tuple[int, Hashable], asyncio.Future[Any]] = {}


async def aside(key: Hashable, call: Callable[[], T]) -> T:
    """The result of `call`, run aside. Cancelling the waiter leaves the call running; bound it by `asyncio.timeout`."""
    loop = asyncio.get_running_loop()
    slot = (id(loop), key)
    future: asyncio.Future[T] | None = _under_way.get(slot)
    if future is None:
        future = loop.create_future()
        _under_way[slot] = future
        future.add_done_callback(lambda done: _forget(slot, done))
        threading.Thread(target=_run, args=(loop, future, call), daemon=True, name=f"aside {key}").start()
    return await asyncio.shield(future)


def _run(loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], call: Callable[[], T]) -> None:
    result: T | None = None
    error: Exception | None = None
    try:
        result = call()
    except Exception as failure:  # noqa: BLE001 - handed to whoever waits
        error = failure
    if not loop.is_closed():
        try:
            loop.call_soon_threadsafe(_settle, future, result, error)
        except RuntimeError:  # the loop was closed meanwhile: nobody waits any more
            return


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _forget(slot: tuple[int, Hashable], done: asyncio.Future[Any]) -> None:
    _under_way.pop(slot, None)
    if not done.cancelled():
        done.exception()  # seen, also when the last waiter has gone
