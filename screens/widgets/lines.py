"""Rows of text, painted by hand: only the cells that changed go to the terminal (rule 8, textual-facts 3.6)."""

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from screens.cells import BLANK, Row, padded
from screens.glyphs import to_ascii

Source = Callable[[int, int], Sequence[Row]]
"""From width and height in cells to the rows to show; cheap, and called again whenever something may have changed."""

_BOLD = Style(bold=True)
NEAR = 8
"""Cells between two changes that are cheaper to write again than to jump over."""


class Lines(Widget, can_focus=False):
    """A widget whose content is what `source` returns for its size. The styles of the roles belong to the page: with a
    set of their own for every widget, opening a page took twice as long."""

    def __init__(self, source: Source, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._source = source
        self._rows: list[Row] = []
        self._for: tuple[int, int] | None = None
        self._styles_of: dict[tuple[str, str], Style] = {}
        self._theme = ""

    def repaint(self) -> None:
        """Ask the source again and repaint the cells that differ; equal rows cost nothing."""
        if self._for != self.size or self._theme != self.app.theme:
            self._theme, self._for = self.app.theme, None  # hidden now, it may be shown again in its old size
            self.refresh()
            return
        width, height = self.size
        new = self._asked(width, height)
        regions = []
        for y, (before, after) in enumerate(zip(self._rows, new, strict=True)):
            if before != after:
                spans = differences(padded(before, width), padded(after, width))
                if before.tint != after.tint:
                    spans = [(0, width)]
                regions += [Region(start, y, end - start, 1) for start, end in spans]
        self._rows = new
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """One painted row."""
        if self._for != self.size:
            self._for, self._theme = self.size, self.app.theme
            self._rows = self._asked(*self.size)
        line = padded(self._rows[y] if y < len(self._rows) else BLANK, self.size.width)
        ascii_only = bool(getattr(self.app, "ascii_only", False))
        pairs: list[tuple[str, Style]] = []
        for text, role in line.spans:
            style = self._style(role, line.tint)
            if pairs and (pairs[-1][1] == style or (text.isspace() and _alike_in_blanks(pairs[-1][1], style))):
                pairs[-1] = (pairs[-1][0] + text, pairs[-1][1])
            elif text:
                pairs.append((text, style))
        return Strip([Segment(to_ascii(text) if ascii_only else text, style) for text, style in pairs], self.size.width)

    def notify_style_update(self) -> None:
        """Colours may have changed with the theme."""
        super().notify_style_update()
        self._styles_of.clear()

    def _asked(self, width: int, height: int) -> list[Row]:
        rows = list(self._source(width, height))[:height] if width and height else []
        return rows + [BLANK] * (height - len(rows))

    def _style(self, role: str, tint: str) -> Style:
        style = self._styles_of.get((role, tint))
        if style is None:
            name, _, modifier = role.partition(" ")
            style = self.rich_style + self.screen.get_component_rich_style(f"lines--{name}", partial=True)
            if modifier == "bold":
                style += _BOLD
            if tint and name != "badge":
                under = self.rich_style + self.screen.get_component_rich_style(f"lines--{tint}", partial=True)
                style += Style(bgcolor=under.bgcolor, bold=under.bold or None, reverse=under.reverse or None)
            self._styles_of[role, tint] = style
        return style


def _alike_in_blanks(one: Style, other: Style) -> bool:
    """Whether a blank looks the same in both styles."""
    return not (one.underline or other.underline or one.reverse or other.reverse) and one.bgcolor == other.bgcolor


def differences(before: Row, after: Row) -> list[tuple[int, int]]:
    """First and one-past-last columns in which two rows of equal width differ; near ones are one."""
    old, new = _cells(before), _cells(after)
    if len(old) != len(new):
        return [(0, max(len(old), len(new)))]
    spans: list[tuple[int, int]] = []
    for column, (one, other) in enumerate(zip(old, new, strict=True)):
        if one != other:
            if spans and column - spans[-1][1] <= NEAR:
                spans[-1] = (spans[-1][0], column + 1)
            else:
                spans.append((column, column + 1))
    return spans


def _cells(line: Row) -> list[tuple[str, str]]:
    cells: list[tuple[str, str]] = []
    for text, role in line.spans:
        if text.isascii():
            cells.extend((char, role) for char in text)
            continue
        for char in text:
            cells.append((char, role))
            cells.extend([("", role)] * (cell_len(char) - 1))
    return cells
