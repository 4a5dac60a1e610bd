"""The first moments: a frame before the desk is there, keys that wait for it, and a desk that cannot be opened."""

import random
import threading

import pytest
from textual.pilot import Pilot

from actions.model.errors import ConfigError, ExitCode
from screens.band import Identity
from screens.shell import Shell
from tests.fakes.desk import FakeOperator, FixedClock, World
from tests.screens.conftest import Console, Open
from vq_tui.console import VqConsole


async def test_a_key_pressed_while_the_desk_opens_works_once_it_is_open(world: World) -> None:
    desk, clock, opened = FakeOperator(world), FixedClock(), threading.Event()

    def opening() -> FakeOperator:
        assert opened.wait(30)
        return desk

    app = Shell(Identity.of(desk), opening, clock=clock, source=random.Random(4))
    async with app.run_test(size=(80, 24)) as pilot:
        console = Console(app, pilot, clock, desk)
        await console.shows("PRODUCTION", "HEALTH")
        await console.press("H")
        assert not app.is_open and "HEALTH" in console.text
        await console.shows("opening; the key works in a moment")
        opened.set()
        await console.shows("PRODUCTION   history")


async def test_one_console_opens_one_desk_and_has_one_clock(world: World) -> None:
    desk, opened = FakeOperator(world), []

    def opening() -> FakeOperator:
        opened.append(desk)
        return desk

    app = VqConsole(Identity.of(desk), opening, clock=FixedClock(), source=random.Random(4))
    async with app.run_test(size=(80, 24)) as pilot:
        await Console(app, pilot, app.clock, desk).shows("api       errors")
        groups = [worker.group for worker in app.workers if worker.node is app]
        assert (len(opened), sorted(groups)) == (1, ["health", "ledger"])
        assert len(list(app._timers)) == 1


async def test_a_page_that_was_left_may_still_be_told_of_news(console: Open) -> None:
    async with console() as running:
        await running.press("question_mark")
        left = running.app.page
        await running.press("escape")
        assert left is not None and left is not running.app.page
        await running.until(lambda: not left.is_running)
        left.tick()
        left.scene_changed(running.app.scene)


async def test_a_desk_that_cannot_be_opened_ends_the_console_with_its_error() -> None:
    def opening() -> FakeOperator:
        raise ConfigError("vq-tui.toml:3: environments.production.bnad: unknown key")

    app = Shell(Identity.of(FakeOperator()), opening, clock=FixedClock())
    async with app.run_test() as pilot:
        await _ended(pilot)
    assert app.return_code == ExitCode.CONFIG
    assert isinstance(app.failed, ConfigError) and "bnad" in app.failed.message


async def test_leaving_while_the_desk_opens_leaves_at_once() -> None:
    opened = threading.Event()

    def opening() -> FakeOperator:
        assert opened.wait(30)
        return FakeOperator()

    app = Shell(Identity.of(FakeOperator()), opening, clock=FixedClock())
    async with app.run_test() as pilot:
        await pilot.press("ctrl+q")
        await _ended(pilot)
        opened.set()
    assert app.return_code == 0


async def _ended(pilot: Pilot[None]) -> None:
    for _ in range(300):
        if pilot.app._exit:
            return
        await pilot.pause(0.01)
    pytest.fail("the console did not end")


async def test_the_clock_moves_each_second_only_while_somebody_is_there(console: Open, world: World) -> None:
    async with console() as running:
        page = running.app.page
        assert page is not None

        def drawn() -> bool:
            """Whether a tick one second later moves the clock."""
            running.clock.advance(1)
            page.tick()
            return f"{running.clock.now():%H:%M:%S}Z" in str(page._frame[0]._rows[0].plain)

        await running.press("question_mark", "escape")
        assert drawn() and drawn()
        running.clock.advance(60)
        page.tick()  # what was drawn so long ago is drawn again
        assert [drawn() for _ in range(4)] == [False, False, True, False]
        await running.press("question_mark", "escape")
        assert drawn()
