"""One service: its instances, its figures against their limits, its log."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from actions.model.views import LogCounts, SlotView
from screens.cells import Row, ends, row
from screens.page import Page
from screens.registry import Action, bindings
from screens.scene import Scene
from screens.service_rows import Detail, first_to_read, name_of, service_rows
from screens.service_text import service_text
from screens.working import one_line

T = TypeVar("T")
LOG_SECONDS = 4.0
LOG_LINES = 400


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
        self.read_at: datetime | None = None
        self._asked_at = float("-inf")
        self._asking: dict[str, object] = {}

    def heading(self) -> tuple[str, ...]:
        return (self.service,)

    def about_service(self) -> str:
        return self.service

    def on_mount(self) -> None:
        """Ask for everything, each on its own."""
        self.ask()

    def ask(self) -> None:
        """Look again, at whatever no question is under way about: a slow source answers late, not never."""
        self._asked_at = self.shell.clock.monotonic()
        desk = self.shell.desk
        if self.service not in desk.environment.services:  # traffic and queues are rows of a service, not services
            self.slots = ()
            return
        self._ask("slots", None, lambda: desk.slots(self.service), self._slots)
        self._ask("counts", None, lambda: desk.log_counts(self.service), self._counts)
        self._ask_log()

    def _ask(
        self, group: str, about: object, work: Callable[[], Coroutine[Any, Any, T]], then: Callable[[T], None]
    ) -> None:
        if group in self._asking and self._asking[group] == about:
            return
        self._asking[group] = about

        def answered(found: T) -> None:
            self._asking.pop(group, None)
            self.errors.pop(group, None)
            then(found)
            self.repaint()

        self.fetch(work(), answered, group)

    def _ask_log(self) -> None:
        if self.chosen is not None:
            slot, instance = self.chosen
            tail = self.shell.desk.log_tail
            self._ask("log", self.chosen, lambda: tail(self.service, slot, instance, lines=LOG_LINES), self._tail)

    def scene_changed(self, scene: Scene) -> None:
        if self.shell.clock.monotonic() - self._asked_at >= LOG_SECONDS:
            self.ask()
        super().scene_changed(scene)

    def _slots(self, slots: tuple[SlotView, ...]) -> None:
        before = self._log_name()
        self.slots = slots
        if self.chosen is None or self._gone(self.chosen):
            self._choose(first_to_read(slots))
            if before and self.chosen is not None:
                self.say(f"{before} is gone: this is the log of {self._log_name()}", "warn")
        self.refresh_bindings()

    def _gone(self, chosen: tuple[str, str]) -> bool:
        """Whether that instance is not there any more; where its platform is silent, nobody knows."""
        slot = next((one for one in self.slots or () if one.slot == chosen[0]), None)
        return slot is None or (slot.facts is not None and all(one.id != chosen[1] for one in slot.facts.instances))

    def _log_name(self) -> str:
        return name_of(self.detail())

    def _choose(self, chosen: tuple[str, str] | None) -> None:
        """Read the log of another instance; that of the one before says nothing about it."""
        self.chosen, self.lines, self.read_at, self.top = chosen, None, None, 0
        self.errors.pop("log", None)
        self._ask_log()

    def _counts(self, counts: LogCounts) -> None:
        self.counts = counts

    def _tail(self, log: tuple[str, ...]) -> None:
        self.lines, self.read_at = log, self.shell.clock.now()

    def failed(self, group: str, error: BaseException) -> None:
        """Said where its data would stand; the other parts stay."""
        if group not in ("slots", "counts", "log"):
            super().failed(group, error)
            return
        if group == "slots":
            self.slots = self.slots or ()
        self._asking.pop(group, None)
        self.errors[group] = one_line(error)
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
            self.read_at,
        )  # fmt: skip

    def idle_note(self, width: int) -> Row:
        if self.figures_from is not None:
            return row((f"{self.key('service.figures')} goes back to the log", "dim"))
        words = f"{self.top} lines back; {self.key('list.last')} goes to the newest" if self.top else ""
        return ends(row(), row((words, "dim")), width)

    def plain(self) -> str:
        return service_text(self.detail())

    def possible(self, action: Action) -> bool:
        if action.id == "service.next":
            return len(self._instances()) > 1 and self.figures_from is None
        if action.id == "service.filter":
            return self.figures_from is None
        if action.id == "service.figures":
            return self._figures() > 0
        return action.id != "list.open" or (bool(self.lines) and self.figures_from is None)

    def action_next(self) -> None:
        """The log of the next instance."""
        instances = self._instances()
        if instances:
            at = instances.index(self.chosen) + 1 if self.chosen in instances else 0
            self._choose(instances[at % len(instances)])
            self.repaint()

    def action_open(self) -> None:
        """The log with every line whole."""
        if self.lines:
            self.shell.open("screens.log:LogPage", self.service, self._log_name(), self.lines, self.filter)

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
