"""How a console ends: by key, by signal, by a lost terminal; and where it refuses to begin (rows 2 and 3)."""

import signal
import time

import pytest

from actions.model.errors import ExitCode
from actions.sandbox.facts import SandboxFacts
from tests.terminal.conftest import Console


def test_the_first_screen_names_the_environment_and_q_leaves(stack_up: SandboxFacts, console: Console) -> None:
    session = console(stack_up)
    session.until(lambda text: "sandbox" in text.splitlines()[0] and "READY" in text)
    session.keys("q")
    assert session.ended() == 0
    assert session.restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(stack_up: SandboxFacts, console: Console, number: signal.Signals) -> None:
    session = console(stack_up)
    session.until("HEALTH")
    session.process.send_signal(number)
    assert session.ended() == 128 + number
    assert session.restored()


def test_a_lost_terminal_ends_it_without_spinning(stack_up: SandboxFacts, console: Console) -> None:
    session = console(stack_up)
    session.until("READY")
    session.hang_up()
    assert session.ended(20) in (129, 128 + signal.SIGTERM)


def test_a_stalled_link_and_then_a_lost_terminal_end_it_too(stack_up: SandboxFacts, console: Console) -> None:
    session = console(stack_up)
    session.until("READY")
    session.stall()
    for _ in range(40):
        session.keys("?\x1b")
    session.hang_up()
    assert session.ended(30) in (129, 1)


def test_with_hang_ups_ignored_it_refuses_to_begin(stack_up: SandboxFacts, console: Console) -> None:
    session = console(stack_up, ignore_hangup=True)
    assert session.ended() == ExitCode.TERMINAL
    assert b"hang-ups are ignored" in session.raw


def test_a_dumb_terminal_is_refused_with_another_way(stack_up: SandboxFacts, console: Console) -> None:
    session = console(stack_up, env={"TERM": "dumb"})
    assert session.ended() == ExitCode.TERMINAL
    assert b"the commands work without" in session.raw and b"\x1b" not in session.raw


def test_a_window_of_20x5_says_so_and_recovers(stack_up: SandboxFacts, console: Console) -> None:
    session = console(stack_up, columns=20, rows=5)
    session.until(lambda text: "80" in text and "24" in text)
    session.resize(80, 24)
    session.until("HEALTH")


def test_another_locale_than_utf8_gets_ascii_only(stack_up: SandboxFacts, console: Console) -> None:
    session = console(stack_up, env={"LANG": "C", "LC_ALL": "C"})
    session.until("READY")
    assert all(byte < 0x80 for byte in session.raw)


def test_an_idle_console_rests(stack_up: SandboxFacts, console: Console) -> None:
    """A spin or a redraw loop would use a whole core; the budgets themselves are measured in the benchmarks."""
    session = console(stack_up)
    session.until("READY")
    begun, used, written = time.monotonic(), session.processor_seconds(), len(session.raw)
    session.until(lambda _: time.monotonic() - begun > 5)
    assert session.processor_seconds() - used < 2.5
    assert len(session.raw) - written < 50_000
