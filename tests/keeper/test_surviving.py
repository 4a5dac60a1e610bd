"""What a keeper survives: a ledger that cannot be written for a while, clients that cannot be made, bugs of its own."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from actions.health import Poller
from actions.keeper import keeping
from actions.keeper.keeping import Keeping
from actions.ledger.writer import LedgerWriter
from actions.model.errors import LedgerError

CONFIG = """
ledger = "{folder}/ledger"
[environments.a.services.host]
kind = "host"
"""


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Keeping, list[str]]:
    """A keeper that goes round fast, and what it has said."""
    config = tmp_path / "vq-tui.toml"
    config.write_text(CONFIG.format(folder=tmp_path))
    config.chmod(0o600)
    monkeypatch.setattr(keeping, "ROUND_SECONDS", 0.02)
    said: list[str] = []
    return Keeping(tmp_path / "ledger", config, said.append), said


async def until_said(kept: tuple[Keeping, list[str]], held: Callable[[str], bool]) -> str:
    """Keep until that was said, then end in good order; all that was said."""
    keeper, said = kept
    task = asyncio.create_task(keeper.run())
    try:
        async with asyncio.timeout(20):
            while not held("\n".join(said)) and not task.done():
                await asyncio.sleep(0.01)
    finally:
        keeper.stop()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)
    return "\n".join(said)


async def test_a_ledger_that_is_held_or_full_for_a_while(
    kept: tuple[Keeping, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    beat, times = LedgerWriter.beat_keeper, 0

    def sometimes(self: LedgerWriter) -> None:
        nonlocal times
        times += 1
        if 1 < times < 5:
            raise LedgerError("the ledger is held by another program")
        beat(self)

    monkeypatch.setattr(LedgerWriter, "beat_keeper", sometimes)
    said = await until_said(kept, lambda text: "takes the sign of life again" in text)
    assert said.count("no sign of life: the ledger is held by another program") == 1, "said once, not every round"
    assert said.endswith("ended") and times >= 5


async def test_clients_that_cannot_be_made_are_made_again(
    kept: tuple[Keeping, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, poller = 0, Poller

    def sometimes(*words: Any) -> Any:
        nonlocal made
        made += 1
        if made < 3:
            raise RuntimeError("no descriptors left; password=hunter2hunter2")
        return poller(*words)

    monkeypatch.setattr(keeping, "Poller", sometimes)
    said = await until_said(kept, lambda _: made >= 3)
    assert said.count("a: unexpected RuntimeError: no descriptors left") == 2
    assert "Traceback" in said and "test_surviving.py" in said, "the log tells where"
    assert "hunter2" not in said


def test_a_log_that_takes_nothing_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from actions.keeper.main import say

    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stderr", full)
        say("a line")
        monkeypatch.undo()
        with suppress(OSError):
            full.close()


async def test_a_fault_in_one_notice_ends_neither_the_keeper_nor_its_watches(
    kept: tuple[Keeping, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, deliver = 0, keeping.deliver

    async def sometimes(*words: Any, **more: Any) -> int:
        nonlocal tried
        tried += 1
        if tried == 2:
            raise KeyError("text; password=hunter2hunter2")
        return await deliver(*words, **more)

    monkeypatch.setattr(keeping, "deliver", sometimes)
    said = await until_said(kept, lambda _: tried >= 4)
    assert said.count("delivering notices stopped: unexpected KeyError") == 1 and "Traceback" in said
    assert "hunter2" not in said and said.endswith("ended")


async def test_a_sign_of_life_that_fails_in_any_way_ends_nothing(
    kept: tuple[Keeping, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    beat, times = LedgerWriter.beat_keeper, 0

    def sometimes(self: LedgerWriter) -> None:
        nonlocal times
        times += 1
        if times == 2:
            raise ValueError("an impossible row")
        beat(self)

    monkeypatch.setattr(LedgerWriter, "beat_keeper", sometimes)
    assert "no sign of life" in await until_said(kept, lambda text: "takes the sign of life again" in text)


async def test_a_configuration_that_changes_while_it_is_read_is_read_again(
    kept: tuple[Keeping, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, load = 0, keeping.load

    def changing(path: Path) -> Any:
        nonlocal reads
        reads += 1
        settings = load(path)
        if reads == 1:
            path.write_text(path.read_text().replace("environments.a.", "environments.b."))
        return settings

    monkeypatch.setattr(keeping, "load", changing)
    await until_said(kept, lambda _: reads >= 2)
    assert reads >= 2
