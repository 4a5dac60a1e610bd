"""Calls that may hang are joined, not multiplied; descriptors are raised within what is allowed."""

import asyncio
import resource
import threading

import pytest

from actions.clients.blocking import aside
from actions.clients.descriptors import make_room


async def test_callers_join_the_call_under_way_and_a_new_one_follows_it() -> None:
    release, calls = threading.Event(), []

    def call() -> int:
        calls.append(threading.current_thread().daemon)
        release.wait(20)
        return len(calls)

    waiting = [asyncio.create_task(aside("key", call)) for _ in range(5)]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(aside("key", call), 0.05)
    release.set()
    assert await asyncio.gather(*waiting) == [1] * 5
    assert calls == [True]
    assert await aside("key", call) == 2


async def test_a_failure_reaches_every_waiter() -> None:
    def call() -> None:
        raise ValueError("no")

    results = await asyncio.gather(*(aside("failing", call) for _ in range(3)), return_exceptions=True)
    assert [str(one) for one in results] == ["no"] * 3


def test_room_for_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 600:
        pytest.skip("this machine grants fewer than 600 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(300, soft), hard))
    try:
        make_room(300)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 556
        make_room(10)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 556
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
