"""One service: its instances, its figures against their limits, its log (H1-H6, H11)."""

from collections.abc import Sequence
from dataclasses import replace

from actions.model.views import LogCounts, SlotView
from screens.cells import Row, ends, row
from screens.page import Page
from screens.registry import Action, bindings
from screens.scene import Scene
from screens.service_rows import Detail, first_to_read, service_rows

LOG_SECONDS = 4.0


class ServicePage(Page):
    """Detail of one service, kept fresh while it is looked at."""

    SCOPE = "service"
    BINDINGS = bindings("list", "service")

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service
        self.slots: tuple[SlotView, ...] | None = None
        self.chosen: tuple[str, str] | None = None
        self.lines: tuple[str, ...] | None = None
        self.counts: LogCounts | None = None
        self.errors: dict[str, str] = {}
        self.filter = ""
        self.top = 0
        self.figures_from: int | None = None
        self._asked_at = float("-inf")

    def heading(self) -> tuple[str, ...]:
        return (self.service,)

    def about_service(self) -> str:
        return self.service

    def on_mount(self) -> None:
        """Ask for everything, each on its own."""
        self.ask()

    def ask(self) -> None:
        """Look again."""
        self._asked_at = self.shell.clock.monotonic()
        desk = self.shell.desk
        self.fetch(desk.slots(self.service), self._slots, "slots")
        self.fetch(desk.log_counts(self.service), self._counts, "counts")
        self._ask_log()

    def scene_changed(self, scene: Scene) -> None:
        if self.shell.clock.monotonic() - self._asked_at >= LOG_SECONDS:
            self.ask()
        super().scene_changed(scene)

    def _slots(self, slots: tuple[SlotView, ...]) -> None:
        self.slots = slots
        self.errors.pop("slots", None)
        if self.chosen is None:
            self.chosen = first_to_read(slots)
            self._ask_log()
        self.refresh_bindings()
        self.repaint()

    def _counts(self, counts: LogCounts) -> None:
        self.counts = counts
        self.errors.pop("counts", None)
        self.repaint()

    def _ask_log(self) -> None:
        if self.chosen is not None:
            self.fetch(self.shell.desk.log_tail(self.service, *self.chosen, lines=400), self._tail, "log")

    def _tail(self, log: tuple[str, ...]) -> None:
        self.lines = log
        self.errors.pop("log", None)
        self.repaint()

    def failed(self, group: str, error: BaseException) -> None:
        """Said where its data would stand; the other parts stay."""
        if group == "slots":
            self.slots = self.slots or ()
        self.errors[group] = str(error)
        self.repaint()

    def _instances(self) -> list[tuple[str, str]]:
        return [(slot.slot, one.id) for slot in self.slots or () if slot.facts for one in slot.facts.instances]

    def body(self, width: int, height: int) -> Sequence[Row]:
        return service_rows(self.detail(), width, height)

    def detail(self) -> Detail:
        """What the rows are drawn from."""
        snapshot = self.shell.scene.snapshot
        return Detail(
            snapshot.service(self.service) if snapshot else None, self.slots, self.chosen, self.lines, self.counts,
            self.shell.clock.now(), self.top, self.filter, tuple(self.errors.values()),
            self.key("service.figures"), self.figures_from, self.key("all.write"),
        )  # fmt: skip

    def idle_note(self, width: int) -> Row:
        if self.figures_from is not None:
            return row((f"{self.key('service.figures')} goes back to the log", "dim"))
        words = f"{self.top} lines back; {self.key('list.last')} goes to the newest" if self.top else ""
        return ends(row(), row((words, "dim")), width)

    def plain(self) -> str:
        whole = replace(self.detail(), figures_from=None)
        return "\n".join(line.plain.rstrip() for line in service_rows(whole, 200, 2_000)).rstrip() + "\n"

    def possible(self, action: Action) -> bool:
        if action.id == "service.next":
            return len(self._instances()) > 1 and self.figures_from is None
        if action.id == "service.filter":
            return self.figures_from is None
        if action.id == "service.figures":
            return self._figures() > 0
        return action.id != "list.open"

    def action_next(self) -> None:
        """The log of the next instance."""
        instances = self._instances()
        if instances:
            at = instances.index(self.chosen) + 1 if self.chosen in instances else 0
            self.chosen = instances[at % len(instances)]
            self.lines, self.top = None, 0
            self._ask_log()
            self.repaint()

    def move(self, delta: int) -> None:
        """Scroll the log; upwards is back in time. While the figures are on show, those."""
        if self.figures_from is not None:
            self.figures_from = max(0, min(self.figures_from + delta, self._figures() - 1))
            self.repaint()
            return
        self.top = max(0, min(self.top - delta, len(self.lines or ()) - 1))
        self.repaint()

    def action_figures(self) -> None:
        """Every figure, or back to the log."""
        self.figures_from = 0 if self.figures_from is None else None
        self.refresh_bindings()
        self.repaint()

    def _figures(self) -> int:
        snapshot = self.shell.scene.snapshot
        health = snapshot.service(self.service) if snapshot else None
        return len(health.figures) if health else 0

    def action_filter(self) -> None:
        """Only log lines with these words."""
        self.ask_text("filter", self.filter, self._filtered, changed=self._filtered)

    def _filtered(self, text: str) -> None:
        self.filter, self.top = text, 0
        self.repaint()
