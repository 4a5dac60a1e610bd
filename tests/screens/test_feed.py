"""What the console asks of the record: at once when something was written, and else next to nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from actions.model.errors import LedgerError
from actions.model.plan import Readiness
from screens.feed import RARE_EVERY, Feed
from tests.fakes import facts
from tests.fakes.desk import FakeOperator, FixedClock, World


class Ticking(Feed):
    """A feed whose ticks are counted and take no time."""

    ticks = 0

    async def _next_tick(self) -> None:
        self.ticks += 1
        await asyncio.sleep(0)


class Watched:
    """A feed on a desk whose record stands still."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.desk = FakeOperator(world)
        self.feed = Ticking(self.desk, lambda _: None, FixedClock())

    async def asked(self, ticks: int) -> int:
        """How often the runs were asked for in so many ticks."""
        before, until = len(self.desk.asked), self.feed.ticks + ticks
        while self.feed.ticks < until:
            await asyncio.sleep(0)
        return len(self.desk.asked) - before


@pytest.fixture
async def watched(world: World) -> AsyncIterator[Watched]:
    world.ledger_version = 7
    watched = Watched(world)
    task = asyncio.create_task(watched.feed.watch_ledger())
    await watched.asked(1)
    yield watched
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_record_nobody_wrote_to_is_read_rarely(watched: Watched) -> None:
    assert await watched.asked(10 * RARE_EVERY) in (10, 11)


async def test_what_was_written_is_read_at_the_next_tick(watched: Watched) -> None:
    await watched.asked(1)
    watched.world.ledger_version = 8
    assert await watched.asked(2) >= 1


async def test_while_something_runs_it_is_read_every_tick(watched: Watched) -> None:
    watched.world.show(facts.run_view())
    watched.world.ledger_version = 8
    await watched.asked(2)
    assert await watched.asked(10) >= 10, "an executor that dies writes nothing"


async def test_a_lost_record_is_read_every_tick_until_it_is_back(watched: Watched) -> None:
    watched.world.ledger_error = LedgerError("the ledger is damaged")
    watched.world.ledger_version = 8
    await watched.asked(2)
    assert watched.feed.scene.errors["runs"] == "the ledger is damaged"
    watched.world.ledger_error = None
    assert await watched.asked(2) >= 1
    assert not watched.feed.scene.errors


async def test_the_way_back_is_looked_at_every_tick_while_something_is_not_well(
    watched: Watched, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    whole = watched.desk.readiness

    async def counted(service: str | None = None) -> Readiness:
        looks.append(service)
        return await whole(service)

    monkeypatch.setattr(watched.desk, "readiness", counted)
    await watched.asked(12)
    assert 3 <= len(looks) <= 5
    sick = world.snapshot
    assert sick is not None
    watched.feed._merge("health", snapshot=sick.model_copy(update={"at": facts.NOW}))
    looks.clear()
    await watched.asked(12)
    assert len(looks) >= 11


async def test_a_source_that_hangs_is_lost_and_keeps_no_other_from_being_asked(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is called free only by an answer; one that never comes leaves what it told before, as old."""
    over = asyncio.Event()
    whole = watched.desk.active

    async def hangs() -> None:
        await over.wait()

    monkeypatch.setattr("screens.feed.ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(type(watched.desk), "environment", facts.environment(interval=0.001))
    monkeypatch.setattr(watched.desk, "active", hangs)
    watched.world.ledger_version = 8
    watched.world.changes = ()
    async with asyncio.timeout(20):
        while "runs" not in watched.feed.scene.errors:
            await asyncio.sleep(0)
    assert watched.feed.scene.errors == {"runs": "no answer within 0 s"}
    assert watched.feed.scene.changes == (), "others were asked meanwhile"
    monkeypatch.setattr(watched.desk, "active", whole)
    async with asyncio.timeout(20):
        while watched.feed.scene.errors:
            await asyncio.sleep(0)


async def test_what_was_written_while_a_question_was_under_way_is_asked_for_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, asked = asyncio.Event(), []

    async def slow() -> None:
        asked.append(watched.world.ledger_version)
        if len(asked) == 1:
            await over.wait()

    monkeypatch.setattr("screens.feed.RARE_EVERY", 10**9)
    monkeypatch.setattr(type(watched.desk), "environment", facts.environment(interval=0.001))
    monkeypatch.setattr(watched.desk, "active", slow)
    watched.world.ledger_version = 8
    async with asyncio.timeout(20):
        while not asked:
            await asyncio.sleep(0)
        watched.world.ledger_version = 9
        await watched.asked(3)
        assert asked == [8]
        over.set()
        while asked != [8, 9]:
            await asyncio.sleep(0)
