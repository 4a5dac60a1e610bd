"""Everything about one run, to read and export: who, why, steps with evidence, figures, clock, journal."""

from datetime import datetime

from actions.model.run import RunView
from actions.model.words import RunState
from screens.cells import BLANK, Row, field, fit, row, title, wrap
from screens.figures import measured
from screens.fold import fold, folded
from screens.glyphs import ARROW, RUN, STEP
from screens.reading import ReadingPage
from screens.run_rows import event_row
from screens.scene import Scene
from screens.words import about, ago, number, since, took

LABEL = 9
JOURNAL = 29
"""Columns before the words of a field, and before those of a line of the journal."""


class DetailPage(ReadingPage):
    """One run, whole."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.view: RunView | None = None
        self.audit = "not checked yet"
        self.problem = ""
        self.read_at: datetime | None = None
        self._reading = False

    def on_mount(self) -> None:
        """Read it, and walk the audit chain."""
        self._again()
        self.run_worker(self._audit(), group="audit", exit_on_error=False)

    def scene_changed(self, scene: Scene) -> None:
        """A run that goes on is read again, and so is one that could not be read."""
        if self.view is None or self.problem or self.view.run.state.active:
            self._again()
        super().scene_changed(scene)

    def _again(self) -> None:
        if not self._reading:
            self._reading = True
            self.fetch(self.shell.desk.run(self.run_id), self._read, "run")

    async def _audit(self) -> None:
        report = await self.shell.desk.audit()
        self.audit = (
            f"intact, {report.events:,} events, head {report.head[:12]}"
            if report.intact
            else f"BROKEN at {report.first_bad}: {report.problem}"
        )
        self.repaint()

    def _read(self, view: RunView) -> None:
        self.view, self.problem, self._reading = view, "", False
        self.read_at = self.shell.clock.now()
        self.repaint()

    def failed(self, group: str, error: BaseException) -> None:
        if group == "run":
            self.problem, self._reading = str(error), False
        elif group == "audit":
            self.audit = f"not checked: {error}"
        else:
            super().failed(group, error)
        self.repaint()

    def heading(self) -> tuple[str, ...]:
        return (f"{self.view.run.procedure} {self.view.run.id[-6:]}" if self.view else "run", "detail")

    def text(self, width: int) -> list[Row]:
        if self.view is None:
            return [row((self.problem or "reading", "warn" if self.problem else "dim"))]
        now = self.shell.clock.now()
        rows = detail_rows(self.view, now, width, self.audit)
        if not self.problem:
            return rows
        doubt = row((f"? as of {ago(since(self.read_at, now))} ago", "warn"), (f"  {self.problem}", "dim"))
        return [*fold(doubt, width), *rows]

    def plain(self) -> str:
        return detail_text(self.view, self.shell.clock.now(), self.audit) if self.view else ""


def detail_text(view: RunView | None, now: datetime, audit: str = "") -> str:
    """The same as plain text; what is wider is folded, nothing is cut."""
    return "\n".join(line.plain.rstrip() for line in detail_rows(view, now, 200, audit)) + "\n" if view else ""


def detail_rows(view: RunView, now: datetime, width: int, audit: str = "") -> list[Row]:
    """All rows."""
    run = view.run
    glyph, role = RUN[run.state]
    rows = [
        field("run", (run.id, "bright"), (f"   {glyph} {run.state.value}", role), f"   {took(run.seconds)}"),
        field(
            "what",
            f"{run.procedure} of {run.service} in {run.environment}   ",
            f"{run.from_version or '?'} {ARROW} {run.to_version or '?'}",
        ),
        field("how", f"{run.level}{'   drill' if run.drill else ''}   version {run.procedure_version}"),
        field("who", f"{run.operator}   {run.origin}"),
        field(
            "when", f"{run.created_at:%Y-%m-%d %H:%M:%S}Z" + (f" to {run.ended_at:%H:%M:%S}Z" if run.ended_at else "")
        ),
        *(field("reason" if at == 0 else "", line) for at, line in enumerate(wrap(run.reason, width - 9))),
        field("audit", (audit, "down" if audit.startswith("BROKEN") else "dim")),
    ]
    rows += [*_by_hand(view, width), *_steps(view, width), *_measured(view, width)]
    rows = folded([*rows, BLANK, title("JOURNAL", width)], width, LABEL)
    return [*rows, *folded((event_row(event, now) for event in view.events), width, JOURNAL)]


def _by_hand(view: RunView, width: int) -> list[Row]:
    if not view.manual or view.run.state is not RunState.NEEDS_OPERATOR:
        return []
    steps = ((at, line) for at, step in enumerate(view.manual, 1) for line in wrap(step, width - 4))
    lines = [row((f"{at}   ", "warn bold"), (line, "bright")) for at, line in steps]
    return [BLANK, title("DO THIS NOW, BY HAND", width), *lines]


def _steps(view: RunView, width: int) -> list[Row]:
    rows = [BLANK, title("STEPS", width)]
    titles = min(28 if width < 100 else 80, max((len(one.step.title) for one in view.steps), default=10))
    for one in view.steps:
        mark, colour = STEP[one.state]
        lead = row((f"{mark} ", colour), (f"{one.step.id:<3}", "dim"), (f"{one.state.value:<8} ", colour))
        lead += row(fit(one.step.title, titles), (fit(took(one.seconds), 8, right=True), "dim"))
        lead += row((f" of {about(one.step.budget_seconds):<5}" if width >= 100 else "", "dim"), "  ")
        first, *rest = wrap(one.text, max(10, width - lead.width)) or [""]
        rows += [lead + row(first), *(row(" " * lead.width, line) for line in rest)]
    return rows


def _measured(view: RunView, width: int) -> list[Row]:
    rows = [BLANK, title("MEASURED", width)]
    for key, value in sorted(measured(view).items()):
        if not isinstance(value, dict | list):
            known = number(value) if isinstance(value, int | float) else value or "not counted"
            rows.append(row((fit(key.replace("_", " "), 22), "dim"), known))
    return [*rows, *(row((fit(f"clock: {name}", 22), "dim"), f"{at:%H:%M:%S}Z") for name, at in view.clock.items())]
