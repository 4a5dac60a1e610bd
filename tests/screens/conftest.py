"""The console on a fake desk: a fixed clock, a fixed world, and waiting for what is on the screen."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from textual.pilot import Pilot

from screens.band import Identity
from screens.decision import Challenge
from screens.shell import Shell
from tests.fakes.desk import FakeOperator, FakeViewer, FixedClock, World

DEADLINE_PAUSES = 200


class Console:
    """A running console under test."""

    def __init__(self, app: Shell, pilot: Pilot[None], clock: FixedClock, desk: FakeViewer) -> None:
        self.app, self.pilot, self.clock, self.desk = app, pilot, clock, desk

    @property
    def text(self) -> str:
        """What the terminal shows."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    async def shows(self, *words: str) -> None:
        """Wait until all words are on the screen."""
        await self.until(lambda: all(word in self.text for word in words), f"{words} in\n{self.text}")

    async def until(self, condition: Callable[[], bool], what: str = "") -> None:
        """Wait for a condition."""
        for _ in range(DEADLINE_PAUSES):
            if condition():
                return
            await self.pilot.pause(0.01)
        raise AssertionError(f"never came: {what}\n{self.text}")

    async def press(self, *keys: str, after: float = 1.0) -> None:
        """Press keys, each after the stop watch moved by `after` seconds."""
        for key in keys:
            self.clock.pass_seconds(after)
            await self.pilot.press(key)
        await self.pilot.pause()

    async def settle(self) -> None:
        """Let messages and short workers run out."""
        for _ in range(6):
            await self.pilot.pause(0.01)

    @property
    def challenge(self) -> Challenge:
        """The question that stands."""
        assert self.app.page is not None and self.app.page.challenge is not None, self.text
        return self.app.page.challenge

    @property
    def written(self) -> list[tuple[object, ...]]:
        """What was asked of the desk that changes something."""
        assert isinstance(self.desk, FakeOperator)
        return self.desk.written


Open = Callable[..., AbstractAsyncContextManager[Console]]


@pytest.fixture(autouse=True)
def _no_earlier_challenge(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that was drawn last is remembered by the process; each test starts without."""
    monkeypatch.setattr(Challenge, "_last", "")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def console(world: World) -> Open:
    @asynccontextmanager
    async def opened(
        *, read_only: bool = False, size: tuple[int, int] = (80, 24), **options: object
    ) -> AsyncIterator[Console]:
        clock = FixedClock()
        desk = FakeViewer(world) if read_only else FakeOperator(world)
        app = Shell(Identity.of(desk), lambda: desk, clock=clock, source=random.Random(4), **options)  # type: ignore[arg-type]
        async with app.run_test(size=size) as pilot:
            running = Console(app, pilot, clock, desk)
            await running.settle()
            yield running

    return opened
