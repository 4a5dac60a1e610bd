"""The process of a console always ends soon after it was left, also when something in it hangs."""

import os
import pty
import threading
from collections.abc import Iterator

import pytest

from screens.band import Identity
from tests.fakes.desk import FakeOperator, World
from vq_tui import hangup
from vq_tui.console import VqConsole
from vq_tui.hangup import HangUpWatch

WAIT = 20.0


class Ending(threading.Event):
    """What the process would have ended with."""

    code: int | None = None

    def __call__(self, code: int) -> None:
        self.code = code
        self.set()


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Ending:
    ending = Ending()
    monkeypatch.setattr(hangup.os, "_exit", ending)
    monkeypatch.setattr(hangup, "DEADLINE_SECONDS", 0.02)
    monkeypatch.setattr(hangup, "LOOK_MILLISECONDS", 5)
    return ending


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    master, slave = pty.openpty()
    yield master, slave
    os.close(master)
    os.close(slave)


def test_one_that_hangs_while_it_is_left_is_ended_and_gives_the_terminal_back(
    ending: Ending, terminal: tuple[int, int]
) -> None:
    watch = HangUpWatch(terminal[1], lambda _: None)
    watch.start()
    watch.leaving(0)
    assert ending.wait(WAIT) and ending.code == 0
    assert b"\x1b[?1049l" in os.read(terminal[0], 1_000)
    watch.join(WAIT)


def test_one_whose_threads_hang_after_it_was_left_is_ended_too(ending: Ending, terminal: tuple[int, int]) -> None:
    watch = HangUpWatch(terminal[1], lambda _: None)
    watch.leaving(3)
    watch.done()
    watch.start()
    assert ending.wait(WAIT) and ending.code == 3
    watch.join(WAIT)


def test_a_terminal_that_is_lost_while_it_is_left_is_still_told_of(ending: Ending) -> None:
    """Textual leaves by an error of its own where it finds the terminal gone first: the code is that of a hang-up."""
    master, slave = pty.openpty()
    told = Ending()
    watch = HangUpWatch(slave, told)
    watch.leaving(70)
    os.close(master)
    watch.start()
    assert told.wait(WAIT) and told.code == hangup.HANGUP
    assert ending.wait(WAIT) and ending.code == hangup.HANGUP
    watch.join(WAIT)
    os.close(slave)


async def test_the_key_that_leaves_arms_it() -> None:
    desk, left = FakeOperator(World()), []

    class Watch:
        leaving = staticmethod(left.append)

        @staticmethod
        def done() -> None:
            left.append("done")

    app = VqConsole(Identity.of(desk), lambda: desk)
    async with app.run_test() as pilot:
        app._watch_terminal = Watch()  # type: ignore[assignment]
        await pilot.press("ctrl+q")
    assert left == [0, "done"]
