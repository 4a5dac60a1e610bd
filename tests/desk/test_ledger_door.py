"""News of the ledger: told when anyone commits, whatever the clock of the disk makes of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from actions.desk import ledger_door
from actions.desk.ledger_door import LedgerDoor
from actions.ledger import open_writer
from actions.ledger.reader import LedgerReader
from actions.ledger.writer import LedgerWriter
from actions.model.record import ChangeNote
from tests.fakes import facts


@pytest.fixture
async def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LedgerDoor]:
    monkeypatch.setattr(ledger_door, "SLOW_SECONDS", 0.02)
    opened = LedgerDoor(tmp_path / "ledger")
    watching = asyncio.create_task(opened.watch())
    yield opened
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await opened.close()


def note(writer: LedgerWriter) -> None:
    written = ChangeNote(
        environment="production", at=facts.NOW, kind="restart", subject="api", text="api-1 restarted", by="seen"
    )
    writer.note_change(written)


async def grown(door: LedgerDoor, version: int) -> None:
    async with asyncio.timeout(20):
        while door.version <= version:
            await asyncio.sleep(0.01)


async def test_a_ledger_that_appears_and_each_commit_are_news(door: LedgerDoor) -> None:
    await grown(door, 0)
    with open_writer(door.directory) as writer:
        await grown(door, 1)
        for _ in range(3):
            seen = door.version
            note(writer)
            await grown(door, seen)


async def test_a_commit_that_leaves_no_mark_on_the_files_is_news_too(
    door: LedgerDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_door, "SURE_SECONDS", 0.1)
    with open_writer(door.directory) as writer:
        await grown(door, 1)
        monkeypatch.setattr(ledger_door, "touched_at", lambda _: ())
        seen = door.version
        note(writer)
        await grown(door, seen)


async def test_an_untouched_ledger_is_left_alone(door: LedgerDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_door, "SURE_SECONDS", 1_000.0)
    with open_writer(door.directory):
        await grown(door, 1)
        asked: list[float] = []
        original = door._data_version

        async def counted() -> int:
            asked.append(0.0)
            return await original()

        looks: list[object] = []
        marks = ledger_door.touched_at
        monkeypatch.setattr(ledger_door, "touched_at", lambda directory: looks.append(directory) or marks(directory))
        while len(looks) < 3:  # what opening the ledger still wrote has been seen by now
            await asyncio.sleep(0.01)
        monkeypatch.setattr(door, "_data_version", counted)
        enough = len(looks) + 20
        while len(looks) < enough:
            await asyncio.sleep(0.01)
        assert not asked


def open_files(directory: Path) -> int:
    """Descriptors of this process on files of that directory."""
    links = []
    for one in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            links.append(str(one.readlink()))
    return sum(link.startswith(str(directory)) for link in links)


async def test_however_many_read_at_once_it_is_opened_once_and_all_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, opened = tmp_path / "ledger", 0
    open_writer(directory).close()
    really = ledger_door.open_reader

    def counted(place: Path) -> LedgerReader:
        nonlocal opened
        opened += 1
        return really(place)

    monkeypatch.setattr(ledger_door, "open_reader", counted)
    door = LedgerDoor(directory)
    reads = [asyncio.create_task(door.read(lambda reader: reader.changes("production"), ())) for _ in range(12)]
    await asyncio.sleep(0)
    reads[0].cancel()  # whoever gives up takes it from nobody, and leaks nothing
    ended = await asyncio.gather(*reads, return_exceptions=True)
    assert opened == 1 and ended[1:] == [()] * 11
    assert open_files(directory) > 0
    await door.close()
    assert open_files(directory) == 0


async def test_a_door_that_is_closed_while_it_opens_gives_all_back(tmp_path: Path) -> None:
    directory = tmp_path / "ledger"
    open_writer(directory).close()
    door = LedgerDoor(directory)
    opening = asyncio.create_task(door.open())
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    await door.close()
    assert open_files(directory) == 0
