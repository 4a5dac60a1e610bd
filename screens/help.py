"""Help: the keys that work here and now, on the page it was asked from (rule 5)."""

from screens.cells import BLANK, Row, fit, row, title, wrap
from screens.keymap import shown
from screens.page import Page
from screens.reading import ReadingPage
from screens.registry import Action

_GROUPS = (("HERE", ""), ("EVERYWHERE", "all"), ("MOVING", "list"))


class HelpPage(ReadingPage):
    """What the page below can do."""

    def __init__(self, origin: Page) -> None:
        super().__init__()
        self.origin = origin
        self.actions = [action for action in origin.actions_now() if action.id != "all.help"]

    def heading(self) -> tuple[str, ...]:
        return (f"keys of {self.origin.SCOPE}",)

    def text(self, width: int) -> list[Row]:
        rows: list[Row] = []
        if self.shell.identity.read_only:
            rows += [
                row(("READ-ONLY: what would change something is not listed; it cannot be done here", "warn")),
                BLANK,
            ]
        for words, scope in _GROUPS:
            group = [one for one in self.actions if (one.scope == scope if scope else one.scope not in ("all", "list"))]
            if group:
                rows += [title(words, width), *(line for one in group for line in self._rows(one, width)), BLANK]
        rows.append(row(("an id on the right can be given another key under console.keys in vq-tui.toml", "dim")))
        return rows

    def _rows(self, action: Action, width: int) -> list[Row]:
        key = shown(self.shell.keys[action.id]) or "drawn"
        room = max(20, width - 28)
        first, *rest = wrap(action.help, room)
        lead = row((fit(key, 8), "key"), (fit(first, room), "text"), (fit(action.id, 20, right=True), "faint"))
        return [lead, *(row(" " * 8, line) for line in rest)]
