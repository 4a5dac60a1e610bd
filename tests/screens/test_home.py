"""Home answers five questions at a glance, honestly."""

import random
from pathlib import Path

import pytest

from actions.desk import open_operator
from actions.model.errors import LedgerError
from actions.model.health import Check
from actions.model.services import HttpService
from actions.model.words import Gate, HealthState
from screens.band import Identity
from screens.shell import Shell
from tests.fakes import facts
from tests.fakes.desk import FakeOperator, FixedClock, World
from tests.screens.conftest import Console, Open


async def test_it_answers_health_way_back_changes_next_and_last(console: Open) -> None:
    async with console() as running:
        for words in (
            "▲ api       errors",
            "▲ postgres  slow",
            "● READY  to 2.4.0 in about 11 s",
            "good      2.4.0 good, soaked 9 d",
            "12 m  release  2.4.1 is live",
            "47 m  restart  api-blue-2",
            " 2 h  drill    bad-release score 92",
            " 4 d  rollback 2.3.9 → 2.3.8",
            "▲ not running  K starts",
            "RUNNING nothing",
            "LAST rollback 2.3.9 → 2.3.8  38 s  ● succeeded  4 d ago",
            "R roll back  H history  D drill  f jump  : go  ? keys",
        ):
            assert words in running.text, words


async def test_what_changed_names_the_version_whole_and_the_reason_where_there_is_room(
    console: Open, world: World
) -> None:
    async with console(size=(120, 36)) as running:
        for words in ("release  api 2.4.1 is live", "rollback api 2.3.9 → 2.3.8", "seen", "ana"):
            assert words in running.text, words
    undone = facts.changes()[3].model_copy(
        update={"kind": "undone", "text": "rollback 66XC was undone: 2.3.9 is live again"}
    )
    failed = facts.changes()[3].model_copy(update={"kind": "stuck", "text": "rollback 2.3.9 → 2.3.8: slow"})
    world.changes = (undone, failed)
    async with console() as running:
        assert "undone   2.3.9 is live again" in running.text
        assert "stuck    rollback 2.3.9 → 2.3.8" in running.text


async def test_no_data_is_never_green(console: Open, world: World) -> None:
    async with console() as running:
        assert "? backups   no data  last seen 26 h ago" in running.text
    world.snapshot = None
    async with console() as running:
        assert "waiting for the first look" in running.text and "no data yet" in running.text


async def test_a_snapshot_that_stopped_coming_is_called_stale(console: Open, world: World) -> None:
    world.snapshot = facts.snapshot().model_copy(update={"at": facts.before(seconds=40)})
    async with console() as running:
        assert "STALE 40 s" in running.text


async def test_readiness_that_is_not_green_says_why_and_what_to_do(console: Open, world: World) -> None:
    missing = Check(id="image", title="image", gate=Gate.FAIL, evidence="gone on host-b", advice="pull 2.4.0 on host-b")
    world.readiness = facts.readiness(
        checks=(missing, *facts.checks()[1:]), gate="fail", reason="the way back is blocked"
    )
    async with console() as running:
        for words in ("✗ NOT READY", "✗ image     gone on host-b", "pull 2.4.0 on host-b", "the way back is blocked"):
            assert words in running.text, words


async def test_a_run_under_way_is_shown_and_attached_to(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        assert "RUNNING ► rollback 2.4.1 → 2.4.0  step 4 of 8 switch traffic  00:07" in running.text
        assert "g attach" in running.text
        await running.press("g")
        await running.shows("executor 4121 alive", "green answers 18 of 20")


@pytest.mark.parametrize("key", ["enter"])
async def test_enter_attaches_too(console: Open, world: World, key: str) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await running.press(key)
        await running.shows("executor 4121 alive")


async def test_with_a_thousand_services_the_worst_are_on_top(console: Open, world: World) -> None:
    many = [facts.health(f"s{at:03d}", HealthState.OK, "ok", "fine") for at in range(1_000)]
    many[700] = facts.health("s700", HealthState.DOWN, "down", "connection refused")
    world.snapshot = facts.snapshot().model_copy(update={"services": tuple(many)})
    async with console() as running:
        lines = running.text.splitlines()
        assert "✗ s700" in lines[3]
        assert "999 ok" not in running.text and " ok" in running.text and "and 9" in running.text
        await running.press("end")
        assert "›● s999" in running.text


async def test_the_pointer_and_the_jump_letters_lead_to_places(console: Open) -> None:
    async with console() as running:
        await running.press("down", "down", "enter")
        await running.shows("PRODUCTION   postgres")
        await running.press("escape", "escape", "f")
        assert "press a letter" in running.text
        await running.press("a")
        await running.shows("PRODUCTION   api", "INSTANCES")


async def test_the_keeper_is_started_by_its_key(console: Open) -> None:
    async with console() as running:
        await running.press("K")
        await running.shows("keeper started; K within 5 s takes that back", "watches for 2 d  on")
        assert running.written == [("start_keeper",)]
        await running.press("K")
        await running.shows("keeper stopped again", "not running")
        assert running.written == [("start_keeper",), ("stop_keeper",)]


async def test_after_five_seconds_the_key_of_the_keeper_ends_nothing(console: Open) -> None:
    async with console() as running:
        await running.press("K")
        await running.shows("keeper started", "watches for 2 d  on")
        await running.press("K", after=6.0)
        await running.settle()
        assert running.written == [("start_keeper",)]


async def test_an_operator_on_a_ledger_that_cannot_be_used_still_sees_health(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    ledger.write_text("in the way")
    environment = facts.environment(services={"api": HttpService(url="http://127.0.0.1:9")}, interval=0.5)
    settings = facts.settings("production", environment).model_copy(update={"ledger": ledger})
    desk = open_operator(settings, tmp_path / "vq-tui.toml", "production")
    app = Shell(Identity.of(desk), lambda: desk, source=random.Random(4))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            running = Console(app, pilot, FixedClock(), FakeOperator())
            await running.shows("✗ api", "a plain directory; move it away", "RUNNING ? not known")
            await running.press("K")
            await running.shows("✗ api", "a plain directory; move it away")
    finally:
        await desk.close()


async def test_a_desk_that_cannot_start_is_tried_again(
    console: Open, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screens.shell.WATCH_AGAIN_SECONDS", 0.01)
    world.start_error = LedgerError("no thread for the desk")
    async with console() as running:
        await running.shows("no thread for the desk; it is tried again")
        world.start_error = None
        await running.shows("▲ api       errors")


async def test_letters_copy_and_write_do_not_disturb(console: Open) -> None:
    async with console() as running:
        await running.press("y")
        assert "sent to the terminal" in running.text
        await running.press("w")
        await running.shows("cannot write files")


async def test_releases_that_are_not_watched_are_said_to_be(console: Open, world: World) -> None:
    world.unwatched = "the platform is silent"
    async with console(size=(120, 36)) as running:
        await running.shows("▲ not watched  the platform is silent", "● READY")
