"""Rows of styled text, measured in terminal columns. All text that reaches the terminal is made here.

A span is (text, role). A role names a component class of `Lines`, optionally followed by `bold`, so that colours live
in the style sheet alone. Text is never parsed for markup, and `safe` lets no control, combining or odd-width character
through.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

from screens.glyphs import HAIR, MORE, OURS

Span = tuple[str, str]
Part = str | Span
ROLES = (
    "text", "bright", "dim", "faint", "head", "hair", "ok", "warn", "down", "unknown", "run", "key", "spark",
    "badge", "frame", "band", "band-name", "band-dim", "choice",
)  # fmt: skip
MARK = "\N{REPLACEMENT CHARACTER}"
_PLAIN = re.compile(r"[\x20-\x7e]*\Z")


@lru_cache(maxsize=8192)
def safe(text: str) -> str:
    """`text` with every character that could move the cursor, hide, or break a column replaced by a visible mark."""
    if _PLAIN.match(text):
        return text
    return "".join(map(_safe_character, unicodedata.normalize("NFC", text)))


def _safe_character(char: str) -> str:
    if char in OURS or " " <= char <= "~":
        return char
    category = unicodedata.category(char)
    if category == "Zs" or char in "\t\n":
        return " "
    if category[0] in "CZ":
        return MARK
    if category[0] == "M":
        return ""
    columns = cell_len(char)
    return char if columns == 1 or (columns == 2 and category in ("Lo", "Nd")) else MARK


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the screen. `tint` names a role whose background lies under the whole line."""

    spans: tuple[Span, ...] = ()
    tint: str = ""

    @property
    def plain(self) -> str:
        """The text without styles."""
        return "".join(text for text, _ in self.spans)

    @property
    def width(self) -> int:
        """Terminal columns."""
        return sum(cell_len(text) for text, _ in self.spans)

    def __add__(self, other: "Row") -> "Row":
        return Row(self.spans + other.spans, self.tint or other.tint)

    def tinted(self, tint: str) -> "Row":
        """The same text on another background."""
        return replace(self, tint=tint)


BLANK = Row()


def row(*parts: Part) -> Row:
    """A row from spans; a bare string has the role `text`."""
    spans = ((part, "text") if isinstance(part, str) else part for part in parts)
    return Row(tuple((safe(text), role) for text, role in spans if text))


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` columns: padded, or cut with an ellipsis."""
    text = safe(text)
    columns = cell_len(text)
    if columns > width:
        return set_cell_size(text, width - 1) + MORE if width > 0 else ""
    return " " * (width - columns) + text if right else text + " " * (width - columns)


def column(text: str, width: int) -> str:
    """`text` in exactly `width` columns of which the last stays blank: what follows never runs into it."""
    return fit(text, width - 1) + " "


def cut(line: Row, width: int) -> Row:
    """`line` in at most `width` columns; blanks at its end are lost without a mark."""
    while line.width > width and line.spans and line.spans[-1][0].endswith(" "):
        text, role = line.spans[-1]
        kept = text.rstrip(" ")
        line = Row(line.spans[:-1] + (((kept, role),) if kept else ()), line.tint)
    if line.width <= width:
        return line
    spans: list[Span] = []
    left = width
    for text, role in line.spans:
        columns = cell_len(text)
        if columns < left:
            spans.append((text, role))
            left -= columns
            continue
        spans.append((fit(text + " ", left), role))
        break
    return Row(tuple(spans), line.tint)


def padded(line: Row, width: int) -> Row:
    """`line` in exactly `width` columns."""
    line = cut(line, width)
    missing = width - line.width
    return line + Row(((" " * missing, "text"),)) if missing > 0 else line


def ends(left: Row, right: Row, width: int, *, fill: str = " ", role: str = "text") -> Row:
    """`left` and `right` at the two ends; when both do not fit, `left` is cut."""
    left = cut(left, max(0, width - right.width - 1))
    middle = width - left.width - right.width
    return left + Row(((fill * middle, role),)) + right if middle > 0 else cut(left + right, width)


def beside(left: Row, right: Row, left_width: int, gap: int = 3) -> Row:
    """Two columns of a page in one row."""
    return padded(left, left_width) + Row(((" " * gap, "text"),)) + right if right.spans else cut(left, left_width)


def title(words: str, width: int) -> Row:
    """A quiet section title with a hairline."""
    return row((words, "head"), (" ", "text"), (HAIR * max(0, width - cell_len(words) - 1), "hair"))


def field(label: str, *parts: Part, width: int = 9) -> Row:
    """A dim label beside bright values."""
    return row((fit(label, width), "dim"), *parts)


def wrap(text: str, width: int) -> list[str]:
    """`text` broken at blanks into lines of at most `width` columns; a longer word is broken hard."""
    lines: list[str] = []
    line = ""
    for word in safe(text).split():
        while cell_len(word) > width:
            head = set_cell_size(word, width).rstrip()
            lines.extend(filter(None, (line, head)))
            line, word = "", word[len(head) :]
        joined = f"{line} {word}" if line else word
        if cell_len(joined) > width:
            lines.append(line)
            line = word
        else:
            line = joined
    return [*lines, line] if line or not lines else lines


def indent(lines: Iterable[Row], columns: int = 1) -> list[Row]:
    """Rows moved to the right."""
    return [Row(((" " * columns, "text"),)) + line if line.spans else line for line in lines]
