"""Which service to roll back, where several could be: the worst first, under the pointer. Nothing is decided here."""

from screens.cells import BLANK, Row, cut, row
from screens.picker import PickerPage
from screens.registry import Action
from screens.ways import way_row, worst_first


class WhichPage(PickerPage):
    """Services with a way back of their own. The order stays while they are looked at: no line moves under a finger."""

    SCOPE = "reading"
    ABOVE = 3

    def __init__(self) -> None:
        super().__init__()
        self.services: list[str] = []

    def on_mount(self) -> None:
        """Order them once."""
        services = list(self.shell.desk.rollback_services)
        self.services = worst_first(services, self.shell.scene, self.shell.clock.now())
        self.repaint()

    def heading(self) -> tuple[str, ...]:
        return ("roll back which service?",)

    def above(self, width: int) -> list[Row]:
        return [BLANK, row((f"{self.key('list.open')} shows its plan; nothing starts yet", "dim")), BLANK]

    def count(self) -> int:
        return len(self.services)

    def entry(self, index: int, width: int) -> Row:
        labels = min(24, max(len(name) for name in self.services))
        return cut(way_row(self.services[index], self.shell.scene, self.shell.clock.now(), labels), width)

    def opened(self, index: int) -> None:
        self.shell.open("screens.rollback:RollbackPage", self.services[index])

    def possible(self, action: Action) -> bool:
        return action.scope != "reading" and action.id != "all.roll-back" and super().possible(action)
