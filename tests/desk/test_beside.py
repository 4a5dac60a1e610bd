"""Health waits for nobody who watches it: neither for a slow release watch nor for one that fails."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actions.desk.beside import Beside
from actions.desk.ledger_door import LedgerDoor
from actions.desk.watching import Watching
from actions.model.errors import Unreachable
from actions.model.health import Snapshot
from actions.platforms.access import Access
from tests.fakes import facts


def snapshot(number: int) -> Snapshot:
    return facts.snapshot().model_copy(update={"sequence": number})


class Slow:
    """A watcher that takes until it is let go on."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.at_once = 0
        self.go = asyncio.Event()

    async def __call__(self, snapshot: Snapshot) -> None:
        self.seen.append(snapshot.sequence)
        self.at_once += 1
        assert self.at_once == 1
        await self.go.wait()
        self.at_once -= 1


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_of_those_that_wait_the_newest_is_watched_and_never_two_at_once() -> None:
    slow, beside = Slow(), Beside()
    beside.watchers.append(slow)
    for number in (1, 2, 3):
        beside.hand(snapshot(number))
        await turn()
    assert slow.seen == [1]
    slow.go.set()
    await turn()
    assert slow.seen == [1, 3]
    await beside.end()


async def test_what_fails_is_said_and_watching_goes_on() -> None:
    errors: list[Exception | None] = [Unreachable("the platform is silent"), KeyError("slot"), None]
    beside = Beside()

    async def fails(_: Snapshot) -> None:
        if (error := errors.pop(0)) is not None:
            raise error

    beside.watchers.append(fails)
    said = []
    for number in (1, 2, 3):
        beside.hand(snapshot(number))
        await turn()
        said.append(beside.problem)
    assert said == ["the platform is silent", "an error of this program, not of the system: KeyError: 'slot'", ""]


class Polling:
    """Gives what it is told to, one after the other; an error ends it, as it would end the real one."""

    def __init__(self, *given: Snapshot | Exception) -> None:
        self.given = list(given)

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        while self.given:
            one = self.given.pop(0)
            if isinstance(one, Exception):
                raise one
            yield one
            await asyncio.sleep(0)
        await asyncio.Event().wait()

    async def close(self) -> None:
        pass


async def read(watching: Watching, until: int) -> None:
    """Be fed until that snapshot came. Raises what ended the polling."""
    arrived = asyncio.Event()
    feeding = asyncio.create_task(watching.feed(lambda one: arrived.set() if one.sequence == until else None))
    coming = asyncio.create_task(arrived.wait())
    try:
        await asyncio.wait({feeding, coming}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        if feeding.done():
            await feeding
        assert arrived.is_set()
    finally:
        for task in (feeding, coming):
            task.cancel()
        await asyncio.gather(feeding, coming, return_exceptions=True)


@pytest.fixture
async def watching(tmp_path: Path) -> AsyncIterator[Watching]:
    watching = Watching(Access("production", facts.environment()), LedgerDoor(tmp_path / "ledger"))
    yield watching
    await watching.end()


async def test_health_goes_on_while_a_watcher_hangs(watching: Watching) -> None:
    slow = Slow()
    watching.beside.watchers.append(slow)
    watching._poller = Polling(*map(snapshot, range(1, 30)))  # type: ignore[assignment]
    await read(watching, 29)
    assert slow.seen == [1]


async def test_polling_that_failed_is_told_and_begun_again(watching: Watching) -> None:
    watching._poller = Polling(snapshot(1), RuntimeError("an error of ours"), snapshot(2))  # type: ignore[assignment]
    with pytest.raises(RuntimeError, match="an error of ours"):
        await read(watching, 2)
    await read(watching, 2)
    assert watching.latest is not None and watching.latest.sequence == 2
