"""Nothing that a terminal would obey leaves a command, wherever it came from."""

import io
import json

import pytest

from screens.glyphs import to_ascii
from vq_tui.commands.output import Output, printable

OBEYED = ["\x1b[31m", "\x1b]0;title\x07", "\x9b2J", "\r", "\x08", "\x7f", "\u202e"]


@pytest.mark.parametrize("text", OBEYED, ids=[ascii(one) for one in OBEYED])
@pytest.mark.parametrize("colour", [False, True])
def test_lines_of_commands_hold_no_control(text: str, colour: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stdout", streams[0])
    monkeypatch.setattr("sys.stderr", streams[1])
    output = Output(colour=colour)
    output.line(f"product {text} virtual-queue")
    output.banner(f"{text} broken")
    output.aside(f"note {text}")
    output.error(f"wrong {text}", 3)
    written = "".join(stream.getvalue() for stream in streams).replace("\x1b[1;97;41m", "").replace("\x1b[0m", "")
    assert text not in written and "virtual-queue" in written


@pytest.mark.parametrize("text", OBEYED, ids=[ascii(one) for one in OBEYED])
def test_json_holds_no_control_and_loses_nothing(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    Output(json=True).answer({"product": text}, [])
    assert not any(char in stream.getvalue() for char in "\x1b\x9b\r\x08\x7f")
    assert json.loads(stream.getvalue()) == {"product": text}


def test_long_answers_stay_whole() -> None:
    text = "\n".join(f"  line {number}" for number in range(3_000)) + "x" * 10_000
    assert printable(text) == text


def test_an_arrow_is_an_arrow_in_ascii_too() -> None:
    assert to_ascii("rollback 2.4.1 → 2.4.0  ok") == "rollback 2.4.1 ->2.4.0  ok"
    assert len(to_ascii("a → b")) == len("a → b")
