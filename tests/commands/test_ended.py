"""However a command ends: one clear line, with --json exactly one object, and an exit code."""

import asyncio
import json
import os
import signal
import tempfile

import pytest

from actions.model.errors import VqError
from vq_tui.commands import guard
from vq_tui.commands.guard import guarded
from vq_tui.commands.output import Output
from vq_tui.commands.session import run

ENDS = [
    (signal.SIGTERM, 143, "terminated", "ended by SIGTERM"),
    (signal.SIGHUP, 129, "hung-up", "ended by SIGHUP"),
    (signal.SIGINT, 130, "interrupted", "interrupted"),
]


async def _waits(number: int) -> int:
    os.kill(os.getpid(), number)
    await asyncio.Event().wait()
    return 0


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize(("number", "code", "name", "words"), ENDS)
def test_a_command_ended_by_a_signal_says_so_in_one_object(
    number: int, code: int, name: str, words: str, asynchronous: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> int:
        if asynchronous:
            return run(lambda: _waits(number))
        os.kill(os.getpid(), number)  # before its loop listens
        return signal.pause() or 0

    before = signal.getsignal(signal.SIGTERM)
    assert guarded(Output(json=True), ["status", "--json"], work) == code
    said = capsys.readouterr()
    assert json.loads(said.out) == {"error": {"message": words, "code": name, "exit": code}}
    assert said.err == f"vq-tui: {words}\n" and signal.getsignal(signal.SIGTERM) is before


def test_what_goes_wrong_after_the_answer_is_no_second_object(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(json=True)

    def work() -> int:
        output.answer({"ok": True}, [])
        raise VqError("the desk did not close")

    assert guarded(output, [], work) == VqError.code
    said = capsys.readouterr()
    assert json.loads(said.out) == {"ok": True} and "did not close" in said.err


def test_a_crash_whose_details_cannot_be_kept_is_still_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")

    def work() -> int:
        raise ZeroDivisionError

    assert guarded(Output(), [], work) == 70
    assert capsys.readouterr().err == (
        "vq-tui: internal error (ZeroDivisionError); its details could not be kept: No such file or directory\n"
    )


def test_a_terminal_that_is_gone_changes_no_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Output, "aside", gone)
    monkeypatch.setattr(guard, "_quiet", lambda: guard.BROKEN_PIPE)  # it would take pytest's own output away
    assert guarded(Output(), [], lambda: run(lambda: _waits(signal.SIGHUP))) == 129
