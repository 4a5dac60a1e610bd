"""A page with a list and a pointer; only the visible lines are ever drawn."""

from collections.abc import Sequence

from screens.cells import BLANK, Row, padded, row
from screens.glyphs import POINTER
from screens.page import Page
from screens.registry import Action, bindings


class PickerPage(Page):
    """Subclasses say how many entries there are (`count`), draw one (`entry`) and open one (`opened`)."""

    BINDINGS = bindings("list")
    ABOVE = 1
    """Rows above the list."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 0
        self.top = 0

    def count(self) -> int:
        """How many entries."""
        raise NotImplementedError

    def entry(self, index: int, width: int) -> Row:
        """One entry, in at most `width` columns."""
        raise NotImplementedError

    def opened(self, index: int) -> None:
        """Enter was pressed on an entry."""

    def above(self, width: int) -> list[Row]:
        """Rows over the list; as many as `ABOVE`."""
        return [BLANK]

    def below(self, width: int, height: int) -> list[Row]:
        """Rows under the list."""
        return []

    def listed(self, height: int) -> int:
        """How many rows the list may take."""
        return height - self.ABOVE

    def empty(self) -> str:
        """What is said where there is nothing to list."""
        return "nothing here"

    def body(self, width: int, height: int) -> Sequence[Row]:
        room = max(1, self.listed(height))
        count = self.count()
        self.at = max(0, min(self.at, count - 1))
        self.top = max(min(self.top, self.at), self.at - room + 1, 0)
        rows = [line if not line.spans else row(" ") + line for line in self.above(width - 2)]
        if not count:
            rows.append(row(" ", (self.empty(), "dim")))
        for index in range(self.top, min(count, self.top + room)):
            lead = row((POINTER if index == self.at else " ", "key"))
            line = lead + self.entry(index, width - 2)
            rows.append(padded(line, width).tinted("choice") if index == self.at else line)
        rows += [BLANK] * (self.ABOVE + min(room, max(count, 1)) - len(rows))
        rows += [line if not line.spans else row(" ") + line for line in self.below(width - 2, height - len(rows))]
        return rows

    def possible(self, action: Action) -> bool:
        return action.scope != "list" or self.count() > 0

    def move(self, delta: int) -> None:
        self.at = max(0, min(self.count() - 1, self.at + delta))
        self.moved()
        self.repaint()

    def moved(self) -> None:
        """The pointer is elsewhere."""

    def action_open(self) -> None:
        """Open the entry under the pointer."""
        if 0 <= self.at < self.count():
            self.opened(self.at)
