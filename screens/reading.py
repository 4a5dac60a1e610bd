"""A page of rows to read and scroll: plans, details, help."""

from collections.abc import Sequence

from screens.cells import BLANK, Row, ends, indent, row
from screens.page import Page
from screens.registry import Action, bindings


class ReadingPage(Page):
    """Subclasses say `text`; this scrolls and filters it."""

    SCOPE = "reading"
    BINDINGS = bindings("list", "reading")

    def __init__(self) -> None:
        super().__init__()
        self.top = 0
        self.filter = ""

    def text(self, width: int) -> list[Row]:
        """All rows, whatever the height."""
        raise NotImplementedError

    def body(self, width: int, height: int) -> Sequence[Row]:
        rows = [BLANK, *indent(self.shown(width - 4), 2)]
        self.top = max(0, min(self.top, len(rows) - height))
        return rows[self.top : self.top + height]

    def shown(self, width: int) -> list[Row]:
        """The rows that match the filter."""
        rows = self.text(width)
        return [line for line in rows if self.filter.lower() in line.plain.lower()] if self.filter else rows

    def idle_note(self, width: int) -> Row:
        total, height = len(self.shown(width)) + 1, max(1, self.size.height - 3)
        where = f"{min(total, self.top + height)} of {total} lines" if total > height else ""
        left = row(("filter ", "dim"), (self.filter, "bright")) if self.filter else BLANK
        return ends(left, row((where, "dim")), width)

    def possible(self, action: Action) -> bool:
        return action.id != "list.open"

    def move(self, delta: int) -> None:
        self.top = max(0, min(self.top + delta, len(self.shown(self.size.width - 4)) + 1 - (self.size.height - 3)))
        self.repaint()

    def action_filter(self) -> None:
        """Only lines with these words."""
        self.ask_text("filter", self.filter, self._filtered, changed=self._filtered)

    def _filtered(self, text: str) -> None:
        self.filter = text
        self.repaint()
