"""A thread with an event loop of its own, so that network, ledger and client work never runs on the caller's loop.

`LoopThread.call` runs a coroutine there and awaits it here; cancelling the caller cancels the work. `Latest` carries
the newest value of something across loops: a slow reader skips values, it never makes a queue grow.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Any, Generic, TypeVar

from actions.model.errors import VqError

T = TypeVar("T")


class LoopThread:
    """One daemon thread that runs one event loop until `stop`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ready = threading.Event()
        self._changing = threading.Lock()  # whoever is cancelled while it starts stops it at once
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def running(self) -> bool:
        """Whether work can be handed over."""
        return self._loop is not None and self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread, unless it was stopped; returns when its loop takes work."""
        with self._changing:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
                self._ready.wait()

    async def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the thread's loop and wait for it here. Raises VqError when the thread has ended."""
        if self._loop is None or not self.running:
            work.close()
            raise VqError("the desk is closed: start the program again")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def stop(self, seconds: float) -> bool:
        """Cancel all work and end the thread; False when that took longer than `seconds`: it dies with the process."""
        with self._changing:
            self._stopped = True
        if self._thread is None:
            return True
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._ready.set()
        await self._stopping.wait()


class Latest(Generic[T]):
    """The newest value of a source, for one reader on its own loop. Made on the reader's loop; fed from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._event = asyncio.Event()
        self._waiting: list[T] = []
        self._ended = False
        self._error: BaseException | None = None

    def put(self, value: T) -> None:
        """Offer a newer value."""
        with self._lock:
            self._waiting = [value]
        self._wake()

    def end(self, error: BaseException | None = None) -> None:
        """No more values will come; an `error` is raised to the reader after the last value."""
        with self._lock:
            self._ended, self._error = True, error
        self._wake()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the reader's loop has ended: nobody is left to wake
            self._loop.call_soon_threadsafe(self._event.set)

    async def values(self) -> AsyncIterator[T]:
        """Newest value after newest value, until the end."""
        while True:
            await self._event.wait()
            self._event.clear()
            with self._lock:
                waiting, self._waiting = self._waiting, []
                ended, error = self._ended, self._error
            for value in waiting:
                yield value
            if ended and not self._waiting:
                if error is not None:
                    raise error
                return


async def stream(
    thread: LoopThread, feed: Callable[[Callable[[T], None]], Coroutine[Any, Any, None]]
) -> AsyncIterator[T]:
    """Values that `feed(put)` produces on the desk's loop. Leaving the iteration cancels it; its error ends it."""
    latest: Latest[T] = Latest()
    task = asyncio.ensure_future(thread.call(feed(latest.put)))
    task.add_done_callback(lambda done: latest.end(None if done.cancelled() else done.exception()))
    try:
        async for value in latest.values():
            yield value
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
