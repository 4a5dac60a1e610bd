"""How commands speak: one JSON object or plain lines on stdout, one clear line on stderr for an error."""

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from actions.model.errors import ExitCode
from actions.model.text import clean
from actions.model.words import Gate, HealthState, RunState, StepState, Verdict
from screens.glyphs import GATE, HEALTH, RUN, STEP, UNKNOWN, VERDICT, to_ascii

_COLOURS = {"ok": "32", "warn": "33", "down": "31", "run": "36", "unknown": "2", "dim": "2", "faint": "2"}
_TABLES: dict[type[str], Mapping[Any, tuple[str, str]]] = {
    HealthState: HEALTH, Gate: GATE, RunState: RUN, StepState: STEP, Verdict: VERDICT
}  # fmt: skip
_BY_WORD = {str(state): look for table in reversed(_TABLES.values()) for state, look in table.items()}
_EIGHT_BIT_CONTROLS = re.compile("[\x7f-\x9f]")
"""Controls that JSON allows inside its strings as they are, and that terminals obey."""

_BY_GLYPH = {mark: _COLOURS[role] for mark, role in _BY_WORD.values()}


class ReaderGone(Exception):
    """Whoever read our output has left. A class of its own: the parser of commands ends the program on OSError."""


@dataclass
class Output:
    """Where a command writes. `json` chooses one JSON object instead of lines, `ascii` plain characters.

    `program` is how a command that is named for the reader begins: with the options this session needs, to be pasted.
    """

    json: bool = False
    ascii: bool = False
    colour: bool = False
    program: str = "vq-tui"
    answered: bool = field(default=False, init=False)

    @classmethod
    def for_terminal(cls, arguments: Sequence[str]) -> "Output":
        """Settings that fit this terminal and these arguments."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        encoding = (getattr(sys.stdout, "encoding", "") or "ascii").lower().replace("-", "")
        words = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM", "dumb") != "dumb"
        return cls(json="--json" in words, ascii="--ascii" in words or encoding != "utf8", colour=colour)

    def answer(self, payload: dict[str, Any], lines: Iterable[str]) -> None:
        """The command's whole answer: `payload` with --json, else `lines`."""
        if self.json:
            self._object(payload)
        else:
            for line in lines:
                self.line(line)

    def line(self, text: str) -> None:
        """One line for people; nothing with --json."""
        if not self.json:
            self._write(sys.stdout, self._dress(text))

    def banner(self, text: str) -> None:
        """One line for people that nobody overlooks: red where there is colour."""
        text = to_ascii(printable(text)) if self.ascii else printable(text)
        if not self.json:
            self._write(sys.stdout, f"\x1b[1;97;41m {text} \x1b[0m" if self.colour else text)

    def aside(self, text: str) -> None:
        """One line on stderr: progress, hints, questions. Never part of the answer."""
        text = printable(text)
        self._write(sys.stderr, to_ascii(text) if self.ascii else text)

    def error(self, message: str, code: int, **more: Any) -> int:
        """One clear line on stderr, and with --json the error as the one object on stdout; returns the exit code.

        What goes wrong after the answer was given, while things are put away, is only told on stderr.
        """
        message = clean(message.replace("'vq-tui ", f"'{self.program} "), limit=2_000)
        if self.json and not self.answered:
            error = {"message": message, "code": _name(code), "exit": int(code), **more}
            self._object({"error": error})
        self.aside(f"vq-tui: {message}")
        return int(code)

    def _object(self, payload: dict[str, Any]) -> None:
        self.answered = True
        text = json.dumps(plain(payload), ensure_ascii=self.ascii, indent=2)
        self._write(sys.stdout, _EIGHT_BIT_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))

    def _dress(self, text: str) -> str:
        text = printable(text)
        if self.colour:
            stripped = text.lstrip()
            colour = _BY_GLYPH.get(stripped[:1])
            if colour and stripped[1:2] in (" ", ""):
                at = len(text) - len(stripped)
                text = f"{text[:at]}\x1b[{colour}m{text[at]}\x1b[0m{text[at + 1 :]}"
        return to_ascii(text) if self.ascii else text

    def _write(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text + "\n")
            stream.flush()
        except BrokenPipeError:
            raise ReaderGone from None


def printable(text: str) -> str:
    """`text` without anything that a terminal would obey; whoever wrote it: configuration, remote text or a person."""
    if text.isascii() and text.isprintable():
        return text
    return clean(text, multiline=True, limit=len(text) + 1, lines=text.count("\n") + 1)


def plain(value: Any) -> Any:
    """`value` as JSON knows it: models, enums, times and paths become plain values."""
    if hasattr(value, "model_dump"):  # a model; its library is not loaded for a console that has nothing to print
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def table(rows: Sequence[Sequence[str]], *, indent: str = "") -> list[str]:
    """Rows as aligned columns; the last column is left as long as it is."""
    if not rows:
        return []
    widths = [max(len(row[at]) for row in rows if at < len(row)) for at in range(max(len(row) for row in rows))]
    return [indent + "  ".join(cell.ljust(widths[at]) for at, cell in enumerate(row)).rstrip() for row in rows]


def glyph(state: str) -> str:
    """The mark of a state, the same as in the console; always beside its word."""
    looks = _TABLES.get(type(state), _BY_WORD)
    return looks.get(state, (UNKNOWN, ""))[0]


def _name(code: int) -> str:
    try:
        return ExitCode(code).word
    except ValueError:
        return {70: "internal", 129: "hung-up", 130: "interrupted", 141: "broken-pipe", 143: "terminated"}.get(
            int(code), "failed"
        )
