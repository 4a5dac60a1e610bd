"""What a desk does in the background dies never silently: it is shown why it stopped, and it begins again."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from actions.desk.ledger_door import LedgerDoor
from actions.desk.watching import Watching
from actions.desk.way_back import WayBack
from actions.model.environment import Environment
from actions.platforms.access import Access

ENDLESS = 3_600.0


class Broken:
    """Raises once, then works until cancelled."""

    def __init__(self) -> None:
        self.begun = 0
        self.again = asyncio.Event()

    async def __call__(self, *_: object) -> None:
        self.begun += 1
        if self.begun == 1:
            raise KeyError("shares")
        self.again.set()
        await asyncio.sleep(ENDLESS)


def watch(desk: Watching) -> None:
    desk.begin()


def feed(desk: Watching) -> None:
    desk._keep_ready()


@pytest.mark.parametrize(
    ("owner", "name", "begin"),
    [(LedgerDoor, "watch", watch), (WayBack, "live", feed), (Watching, "_poke", feed)],
)
async def test_work_that_fails_is_shown_and_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, begin: Callable[[Watching], None]
) -> None:
    work = Broken()
    monkeypatch.setattr(owner, name, lambda *words: work(*words))
    access = Access("demo", Environment())
    desk = Watching(access, LedgerDoor(tmp_path / "ledger"))
    begin(desk)
    try:
        async with asyncio.timeout(20):
            while not desk.problem:
                await asyncio.sleep(0.01)
            assert "stopped" in desk.problem and "KeyError" in desk.problem
            await work.again.wait()
    finally:
        await desk.end()
        await desk.ledger.close()
        await access.close()
    assert work.begun == 2
