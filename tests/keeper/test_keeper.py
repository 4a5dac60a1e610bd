"""The keeper: one, elected, detached, ended cleanly; it observes releases and delivers what waits."""

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from actions.keeper.launch import keeper_facts, start_keeper, stop_keeper
from actions.keeper.release_watch import ReleaseWatch
from actions.ledger import open_reader, open_writer
from actions.model.errors import Busy, ConfigError
from actions.model.record import KeeperFacts
from actions.model.waiting import Deadline, until
from actions.model.words import Verdict
from actions.platforms.access import Access
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.conftest import Cli

CONFIG = """
[environments.a]
interval = 5
[environments.a.services.host]
kind = "host"
[environments.dead.services.api]
kind = "http"
url = "http://127.0.0.1:9"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "vq-tui.toml"
    path.write_text(f'ledger = "{tmp_path}/ledger"\n{CONFIG}')
    return path


async def facts(ledger: Path) -> KeeperFacts:
    return await asyncio.to_thread(keeper_facts, ledger)


async def gone(ledger: Path) -> None:
    await until(lambda: facts(ledger), lambda seen: not seen.alive, Deadline(20), str)


async def test_one_keeper_is_started_by_however_many_ask(config: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    first, second = await asyncio.gather(start_keeper(ledger, config), start_keeper(ledger, config))
    try:
        assert first.alive
        assert (await facts(ledger)).pid in (first.pid, second.pid)
        assert first.pid is not None
        process = psutil.Process((await facts(ledger)).pid)
        assert os.getsid(process.pid) != os.getsid(0)
        assert process.terminal() is None
    finally:
        await stop_keeper(ledger)
    assert not (await facts(ledger)).alive


async def test_a_dead_environment_does_not_stop_it_and_a_signal_does(config: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    started = await start_keeper(ledger, config)
    assert started.pid is not None
    began = started.beat_at or datetime.now(UTC)
    await until(
        lambda: facts(ledger), lambda seen: seen.beat_at is not None and seen.beat_at > began, Deadline(30), str
    )
    os.kill(started.pid, signal.SIGTERM)
    await gone(ledger)
    said = (ledger / "keeper.log").read_text()
    assert "ended" in said
    assert "Traceback" not in said


async def test_a_killed_keeper_gives_its_place_back(config: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    started = await start_keeper(ledger, config)
    assert started.pid is not None
    os.kill(started.pid, signal.SIGKILL)
    await gone(ledger)
    again = await start_keeper(ledger, config)
    assert again.pid != started.pid
    await stop_keeper(ledger)


async def test_a_keeper_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        await start_keeper(tmp_path / "ledger", tmp_path / "nowhere.toml")


def test_a_second_keeper_in_the_foreground_is_refused(cli: Cli, config: Path, tmp_path: Path) -> None:
    assert cli("--config", config, "keeper", "start", "--json").json["alive"] is True
    second = cli("--config", config, "keeper", "run")
    assert second.code == Busy.code
    assert "already" in second.err
    assert cli("--config", config, "keeper", "status", "--json").json["alive"] is True
    assert cli("--config", config, "keeper", "stop", "--json").json["alive"] is False
    assert cli("--config", config, "keeper", "status").code == 1


async def test_it_observes_a_release_that_others_made(stack_up: SandboxFacts, tmp_path: Path) -> None:
    """A release nobody told it about is seen, soaks under health, becomes good, and stands on the time line."""
    ledger = stack_up.config.parent / "ledger"
    await start_keeper(ledger, stack_up.config)
    try:
        await asyncio.to_thread(stack.deploy, stack_up.directory, "2.3.9")
        with open_reader(ledger) as reader:

            async def noted() -> list[str]:
                notes = await asyncio.to_thread(reader.changes, "sandbox")
                return [note.text for note in notes if note.kind == "release"]

            await until(noted, lambda seen: any("2.3.9" in one for one in seen), Deadline(60), str)
            seen = {one.version: one for one in reader.releases("sandbox", "api")}
            assert seen["2.3.9"].last_seen > datetime.now(UTC) - timedelta(minutes=1)
    finally:
        await stop_keeper(ledger)
        await asyncio.to_thread(stack.deploy, stack_up.directory, "2.4.0")
        await asyncio.to_thread(stack.deploy, stack_up.directory, "2.4.1")


async def test_only_one_of_two_observers_writes(stack_up: SandboxFacts, tmp_path: Path) -> None:
    from actions.config import load
    from actions.health import Poller

    settings = load(stack_up.config)
    access = Access("sandbox", settings.environments["sandbox"])
    poller = Poller("sandbox", access.environment, access)
    with open_writer(tmp_path / "new ledger") as ledger:
        first, second = ReleaseWatch(access, ledger, "first"), ReleaseWatch(access, ledger, "second")
        snapshot = await poller.once()
        await first.observe(snapshot)
        await second.observe(snapshot)
        (api,) = ledger.releases("sandbox", "api")
        assert (api.version, api.seen_by, api.verdict) == ("2.4.1", "first", Verdict.CANDIDATE)
        first.end()
        await second.observe(await poller.once())
        second.end()
    await poller.close()
    await access.close()
