"""Drills: rehearse on the very same screens, with a clock from the journal and a score against the budgets."""

from actions.model.record import Drill
from actions.model.views import Scenario
from screens.cells import BLANK, Row, fit, row, title
from screens.drill_rows import clock_rows, drill_row, story_rows, with_run
from screens.picker import PickerPage
from screens.registry import Action, bindings
from screens.scene import Scene

EARLIER = 3
"""Rows that are kept for the earlier drills, however much there is to remark on the last one."""


class DrillPage(PickerPage):
    """Scenarios to choose from, the drill under way, and earlier ones."""

    SCOPE = "drill"
    BINDINGS = bindings("drill")
    ABOVE = 2

    def __init__(self) -> None:
        super().__init__()
        self.drills: tuple[Drill, ...] | None = None
        self.scenarios: tuple[Scenario, ...] = ()
        self.problem = ""
        self._reading = False
        self.earlier = 0
        self._room = 1

    def on_mount(self) -> None:
        """Scenarios are known at once; earlier drills are read."""
        self.scenarios = self.shell.desk.scenarios()
        self._read()

    def _read(self) -> None:
        if not self._reading and self.is_running:
            self._reading = True
            self.fetch(self._drills(), self._got, "drills")

    async def _drills(self) -> tuple[Drill, ...]:
        """Every drill; the one under way with the clock of its run so far."""
        try:
            drills = await self.shell.desk.drills()
            current = next((one for one in drills if one.ended_at is None and one.run_id), None)
            if current is None or current.run_id is None:
                return drills
            timed = with_run(current, await self.shell.desk.run(current.run_id))
            return tuple(timed if one is current else one for one in drills)
        finally:
            self._reading = False

    def _got(self, drills: tuple[Drill, ...]) -> None:
        self.drills, self.problem = drills, ""
        self.refresh_bindings()
        self.repaint()

    def scene_changed(self, scene: Scene) -> None:
        self._read()
        super().scene_changed(scene)

    @property
    def under_way(self) -> Drill | None:
        """The drill that has not ended."""
        return next((drill for drill in self.drills or () if drill.ended_at is None), None)

    def heading(self) -> tuple[str, ...]:
        return ("drill",)

    def count(self) -> int:
        return len(self.scenarios)

    def empty(self) -> str:
        return (
            "this environment has nothing that may be broken on purpose; drills run on the embedded stack: vq-tui demo"
        )

    def above(self, width: int) -> list[Row]:
        return [BLANK, title("SCENARIOS", width)]

    def listed(self, height: int) -> int:
        return min(len(self.scenarios), max(3, height - 14))

    def entry(self, index: int, width: int) -> Row:
        one = self.scenarios[index]
        return row(" ", (fit(one.id, 18), "bright"), (fit(one.title, width - 34), "text"), (" on ", "dim"), one.service)

    def below(self, width: int, height: int) -> list[Row]:
        now = self.shell.clock.now()
        rows = [BLANK, *story_rows(self.scenarios[self.at], width), BLANK] if self.scenarios else [BLANK]
        shown = self.under_way or (self.drills[0] if self.drills else None)
        if shown is not None:
            rows.append(title("CLOCK" if shown.ended_at is None else "LAST DRILL", width))
            rows += [*clock_rows(shown, now, width, height - len(rows) - 1 - EARLIER), BLANK]
        return [*rows, *self._earlier(width, height - len(rows))][:height]

    def _earlier(self, width: int, height: int) -> list[Row]:
        """Every drill there was, from the one scrolled to on."""
        head = title("EARLIER DRILLS", width)
        if not self.drills:
            return [head, row((self.problem or "reading" if self.drills is None else "none on record", "dim"))]
        room = max(1, height - 1)
        self.earlier = max(0, min(self.earlier, len(self.drills) - room))
        shown = self.drills[self.earlier : self.earlier + room]
        if len(shown) < len(self.drills):
            first, last = self.earlier + 1, self.earlier + len(shown)
            head = title(
                f"EARLIER DRILLS  {first} to {last} of {len(self.drills)}; {self.key('list.page-down')}", width
            )
        self._room = room
        return [head, *(drill_row(drill, self.shell.clock.now(), width) for drill in shown)]

    def move_page(self, pages: int) -> None:
        """The scenarios are few and all there: what is longer than the page are the earlier drills."""
        self.earlier = max(0, self.earlier + pages * self._room)
        self.repaint()

    def possible(self, action: Action) -> bool:
        if action.id == "drill.start":
            return bool(self.scenarios) and self.drills is not None and self.under_way is None
        if action.id == "drill.end":
            return self.under_way is not None
        if action.id == "list.open":
            return self._run_under() is not None
        if action.id in ("list.page-up", "list.page-down"):
            return bool(self.drills)
        return super().possible(action)

    def action_start(self) -> None:
        """Break it on purpose, once the challenge key is pressed."""
        scenario = self.scenarios[self.at]

        def yes() -> None:
            self.act(self.shell.operator.start_drill(scenario.id), self._started)

        self.ask_key(f"breaks {scenario.service} in {self.shell.identity.name} on purpose: {scenario.title}", yes)

    def _started(self, drill: Drill) -> None:
        if self.is_seen:
            self.shell.back()
        else:
            self._read()
        key = self.key("all.drill")
        self.shell.say(f"drill {drill.scenario} has begun: watch, decide, act; {key} shows the clock", "warn")

    def action_end(self) -> None:
        """Mend the fault and take the score."""
        drill = self.under_way
        if drill is not None:
            self.ask_key(
                "mends the fault and ends this drill",
                lambda: self.act(self.shell.operator.end_drill(drill.id), self._ended),
            )

    def _ended(self, _: object) -> None:
        words = "the drill has ended; LAST DRILL shows its score"
        (self if self.is_seen else self.shell).say(words, "ok")
        self._read()

    def _run_under(self) -> str | None:
        name = self.scenarios[self.at].id if 0 <= self.at < len(self.scenarios) else ""
        return next((drill.run_id for drill in self.drills or () if drill.scenario == name and drill.run_id), None)

    def opened(self, index: int) -> None:
        run_id = self._run_under()
        if run_id is not None:
            self.shell.open("screens.detail:DetailPage", run_id)

    def failed(self, group: str, error: BaseException) -> None:
        if group == "drills":
            self.problem = str(error)
        super().failed(group, error)
