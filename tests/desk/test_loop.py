"""The desk's own loop: work runs there, a slow reader skips values, leaving cancels, closing is bounded."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from actions.desk.loop import LoopThread, stream
from actions.model.errors import Unreachable, VqError


@pytest.fixture
def thread() -> Iterator[LoopThread]:
    thread = LoopThread("test desk")
    thread.start()
    yield thread
    assert thread.stop(5)


async def test_work_runs_on_another_thread_and_its_error_comes_back(thread: LoopThread) -> None:
    async def where() -> str:
        return threading.current_thread().name

    async def fail() -> None:
        raise Unreachable("the platform does not answer")

    assert await thread.call(where()) == "test desk"
    with pytest.raises(Unreachable, match="does not answer"):
        await thread.call(fail())


async def test_cancelling_the_caller_cancels_the_work(thread: LoopThread) -> None:
    begun, ended = threading.Event(), threading.Event()

    async def long() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(thread.call(long()))
    assert await asyncio.to_thread(begun.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 5)


async def test_a_slow_reader_gets_the_newest_value_and_the_end(thread: LoopThread) -> None:
    fed = threading.Event()

    async def feed(put: Callable[[int], None]) -> None:
        for value in range(1000):
            put(value)
        fed.set()

    values = stream(thread, feed)
    seen = [await anext(values)]
    assert await asyncio.to_thread(fed.wait, 5)
    seen += [value async for value in values]
    assert seen[-1] == 999
    assert seen == sorted(seen)


async def test_the_feeds_error_reaches_the_reader(thread: LoopThread) -> None:
    async def feed(put: Callable[[int], None]) -> None:
        put(1)
        raise Unreachable("gone")

    seen: list[int] = []
    with pytest.raises(Unreachable, match="gone"):
        async for value in stream(thread, feed):
            seen.append(value)
    assert seen == [1]


async def test_leaving_the_iteration_cancels_the_feed(thread: LoopThread) -> None:
    ended = threading.Event()

    async def feed(put: Callable[[int], None]) -> None:
        put(1)
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    values = stream(thread, feed)
    assert await anext(values) == 1
    await values.aclose()  # type: ignore[attr-defined]
    assert await asyncio.to_thread(ended.wait, 5)


async def test_a_closed_desk_says_so_and_ends_its_readers() -> None:
    thread = LoopThread("test desk")
    thread.start()

    async def feed(put: Callable[[int], None]) -> None:
        put(1)
        await asyncio.Event().wait()

    values = stream(thread, feed)
    assert await anext(values) == 1
    assert await asyncio.to_thread(thread.stop, 5)
    assert [value async for value in values] == []

    async def work() -> None:
        pass

    with pytest.raises(VqError, match="closed"):
        await thread.call(work())


def test_it_may_be_stopped_while_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when somebody leaves in the first instant: the start is not waited for any more, and goes on."""
    thread, created, go_on = LoopThread("test desk"), threading.Event(), threading.Event()
    real = threading.Thread.start

    def slowly(started: threading.Thread) -> None:
        if started.name == "test desk":
            created.set()
            assert go_on.wait(30)
        real(started)

    monkeypatch.setattr(threading.Thread, "start", slowly)
    starting = threading.Thread(target=thread.start)
    stopped: list[bool] = []
    stopping = threading.Thread(target=lambda: stopped.append(thread.stop(30)))
    starting.start()
    assert created.wait(30)
    stopping.start()
    stopping.join(0.05)
    go_on.set()
    starting.join(30)
    stopping.join(30)
    assert stopped == [True] and not thread.running


def test_one_that_was_stopped_does_not_start() -> None:
    thread = LoopThread("test desk")
    assert thread.stop(5)
    thread.start()
    assert not thread.running
