"""Whoever asks at the same time shares one question; nobody is given an answer to a question older than allowed."""

import asyncio

import pytest

from actions.model.errors import Unreachable
from actions.platforms.shared import SharedReading


class Source:
    """Counts questions; each is answered when the test says so."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[str]] = []
        self.now = 0.0
        self.most = self.open = 0

    async def read(self) -> str:
        self.asked.append(asyncio.get_running_loop().create_future())
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            return await self.asked[-1]
        finally:
            self.open -= 1

    def reading(self) -> SharedReading[str]:
        return SharedReading(self.read, clock=lambda: self.now)

    async def count(self, wanted: int) -> None:
        async with asyncio.timeout(20):
            while len(self.asked) < wanted:
                await asyncio.sleep(0)


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_twenty_who_ask_at_once_ask_twice_at_most() -> None:
    source = Source()
    reading = source.reading()
    first = asyncio.create_task(reading.get())
    await source.count(1)
    source.now = 1.0
    others = [asyncio.create_task(reading.get()) for _ in range(19)]
    await settle()
    assert len(source.asked) == 1
    source.asked[0].set_result("before")
    await source.count(2)
    late = asyncio.create_task(reading.get(within=0.5))  # the question under way is young enough
    await settle()
    source.asked[1].set_result("now")
    assert await first == "before"
    assert set(await asyncio.gather(*others, late)) == {"now"}
    assert len(source.asked) == 2 and source.most == 1


async def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
    source = Source()
    reading = source.reading()
    leaving, staying = asyncio.create_task(reading.get()), asyncio.create_task(reading.get())
    await source.count(1)
    leaving.cancel()
    await settle()
    source.asked[0].set_result("here")
    assert await staying == "here"


async def test_a_failure_reaches_all_who_wait_and_is_not_remembered() -> None:
    source = Source()
    reading = source.reading()
    asking = [asyncio.create_task(reading.get()) for _ in range(3)]
    await source.count(1)
    source.asked[0].set_exception(Unreachable("gone"))
    for error in await asyncio.gather(*asking, return_exceptions=True):
        assert isinstance(error, Unreachable)
    again = asyncio.create_task(reading.get(within=1_000))
    await source.count(2)
    source.asked[1].set_result("back")
    assert await again == "back"


async def test_what_was_seen_before_a_failure_is_remembered_with_its_age() -> None:
    source = Source()
    reading = source.reading()
    assert reading.remembered(60) is None
    asking = asyncio.create_task(reading.get())
    await source.count(1)
    source.asked[0].set_result("seen")
    await asking
    source.now = 12.0
    failing = asyncio.create_task(reading.get())
    await source.count(2)
    source.asked[1].set_exception(Unreachable("gone"))
    with pytest.raises(Unreachable):
        await failing
    assert reading.remembered(60) == (12.0, "seen")
    assert reading.remembered(10) is None


async def test_closing_ends_what_is_under_way() -> None:
    source = Source()
    reading = source.reading()
    asking = [asyncio.create_task(reading.get()) for _ in range(2)]
    await source.count(1)
    source.now = 1.0
    asking.append(asyncio.create_task(reading.get()))
    await settle()
    await reading.close()
    assert all(isinstance(one, asyncio.CancelledError) for one in await asyncio.gather(*asking, return_exceptions=True))
    assert source.open == 0
