"""How a console on the real stack begins, rests and ends."""

import signal
import time

from actions.model.errors import ExitCode
from actions.sandbox.facts import SandboxFacts
from tests.terminal.conftest import Console


def test_the_first_screen_names_the_environment_and_q_leaves(stack_up: SandboxFacts, console: Console) -> None:
    session = console(stack_up)
    session.until(lambda text: "sandbox" in text.splitlines()[0] and "READY" in text)
    session.keys("q")
    assert session.ended() == 0
    assert session.restored()


def test_a_lost_terminal_ends_it_without_spinning(stack_up: SandboxFacts, console: Console) -> None:
    session = console(stack_up)
    session.until("READY")
    session.hang_up()
    assert session.ended(20) in (129, 128 + signal.SIGTERM)


def test_with_hang_ups_ignored_it_refuses_to_begin(stack_up: SandboxFacts, console: Console) -> None:
    session = console(stack_up, ignore_hangup=True)
    assert session.ended() == ExitCode.TERMINAL
    assert b"hang-ups are ignored" in session.raw


def test_an_idle_console_rests(stack_up: SandboxFacts, console: Console) -> None:
    """A spin or a redraw loop would use a whole core; the budgets themselves are measured in the benchmarks."""
    session = console(stack_up)
    session.until("READY")
    begun, used, written = time.monotonic(), session.processor_seconds(), len(session.raw)
    session.until(lambda _: time.monotonic() - begun > 5)
    assert session.processor_seconds() - used < 2.5
    assert len(session.raw) - written < 50_000
