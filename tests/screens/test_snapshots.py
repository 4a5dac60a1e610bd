"""Pictures of every screen, at 80x24 and 120x36, dark and mono."""

import random
from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from screens.band import Identity
from screens.shell import Shell
from tests.fakes import facts
from tests.fakes.desk import FakeOperator, FakeViewer, FixedClock, World
from tests.screens.conftest import Console

SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
THEMES = ("calm", "mono")


def plain() -> World:
    return World()


def active() -> World:
    world = World()
    world.show(facts.run_view())
    return world


def stuck() -> World:
    world = World()
    world.show(facts.stuck_view())
    return world


def ended() -> World:
    world = World()
    world.show(facts.ended_view())
    return world


def rehearsal() -> World:
    return World(name="rehearsal", environment=facts.environment(drill=True))


SCREENS: dict[str, tuple[Callable[[], World], tuple[str, ...], tuple[str, ...]]] = {
    "home": (plain, (), ("● READY", "not running", "4 d ago")),
    "home-plain": (plain, (), ("+ READY",)),
    "home-active": (active, (), ("step 4 of 8",)),
    "rollback": (plain, ("R",), ("to roll back production",)),
    "chosen": (plain, ("R", "v", "down", "enter"), ("then type 2.4.0",)),
    "releases": (plain, ("R", "v"), ("can be chosen",)),
    "plan": (plain, ("R", "f"), ("digest",)),
    "run": (active, ("g",), ("executor 4121", "usual 38 s")),
    "run-stuck": (stuck, ("g",), ("executor 4121", "usual 38 s")),
    "detail": (ended, ("H", "enter"), ("intact",)),
    "service": (plain, ("down", "enter"), ("error 288", "GET /api")),
    "history": (ended, ("H",), ("1 of 2",)),
    "drill": (rehearsal, ("D",), ("score 92", "DRILL ◆ rehearsal")),
    "help": (plain, ("question_mark",), ("all.palette",)),
    "palette": (plain, ("colon",), ("service api", ": ›")),
}


def shot(snap_compare: Callable[..., bool], name: str, size: str, theme: str, **options: object) -> bool:
    make, keys, words = SCREENS[name]
    clock, read_only = FixedClock(), bool(options.pop("read_only", False))
    desk = (FakeViewer if read_only else FakeOperator)(make())
    app = Shell(Identity.of(desk), lambda: desk, clock=clock, theme_name=theme, source=random.Random(4), **options)  # type: ignore[arg-type]

    async def walk(pilot: Pilot[None]) -> None:
        running = Console(app, pilot, clock, desk)
        await running.settle()
        await running.shows("HEALTH")
        for key in keys:
            await running.press(key)
            await running.settle()
        await running.shows(*words)

    runner: Callable[[Pilot[None]], Awaitable[None]] = walk
    return snap_compare(app, terminal_size=SIZES[size], run_before=runner)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [name for name in SCREENS if name != "home-plain"])
def test_screen(snap_compare: Callable[..., bool], name: str, size: str, theme: str) -> None:
    assert shot(snap_compare, name, size, theme)


@pytest.mark.parametrize("theme", ["light", "high-contrast", "ansi"])
@pytest.mark.parametrize("name", ["home", "rollback", "run"])
def test_theme(snap_compare: Callable[..., bool], name: str, theme: str) -> None:
    assert shot(snap_compare, name, "80x24", theme)


def test_read_only_is_unmistakable_without_colour(snap_compare: Callable[..., bool]) -> None:
    assert shot(snap_compare, "home", "80x24", "mono", read_only=True)


def test_ascii(snap_compare: Callable[..., bool]) -> None:
    assert shot(snap_compare, "home-plain", "80x24", "calm", ascii_only=True)
