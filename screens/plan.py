"""The full plan: each check that does not pass, then every phase and step with what it may take and what follows."""

from collections.abc import Sequence

from actions.model.health import Check
from actions.model.plan import OnFailure, Plan
from screens.cells import BLANK, Row, fit, row, title, wrap
from screens.glyphs import GATE
from screens.reading import ReadingPage
from screens.rollback_rows import doubts
from screens.words import about

_RULE = "if a step fails, what was changed before it is undone in reverse order, unless its line says otherwise"
_FAILURE = {
    OnFailure.UNDO: "goes back",
    OnFailure.WARN: "warns, goes on",
    OnFailure.STOP: "stops",
}


class PlanPage(ReadingPage):
    """A plan as it would run, and the checks behind it; or the checks alone, where there is no plan."""

    def __init__(self, plan: Plan | None, checks: Sequence[Check] = ()) -> None:
        super().__init__()
        self.plan = plan
        self.checks = tuple(checks)

    def heading(self) -> tuple[str, ...]:
        return (f"plan: {self.plan.title}",) if self.plan is not None else ("checks",)

    def text(self, width: int) -> list[Row]:
        rows = doubt_rows(self.checks, width)
        return [*rows, *plan_rows(self.plan, width)] if self.plan is not None else rows


def doubt_rows(checks: Sequence[Check], width: int) -> list[Row]:
    """Every check that does not pass, whole, with what to do."""
    rows: list[Row] = []
    for check in doubts(checks):
        glyph, role = GATE[check.gate]
        rows += [row((f"{glyph} {check.title}", f"{role} bold"))]
        rows += [row(f"  {line}") for line in wrap(check.evidence, width - 2) if line]
        rows += [row((f"  {line}", "dim")) for line in wrap(check.advice, width - 2) if line]
    return [title("CHECKS THAT DO NOT PASS", width), *rows, BLANK] if rows else []


def plan_rows(plan: Plan, width: int) -> list[Row]:
    """Every step."""
    rows = [
        row(("expected ", "dim"), about(plan.expected_seconds), ("   budget ", "dim"), about(plan.budget_seconds),
            ("   digest ", "dim"), plan.digest[:16]),
        *(row((line, "dim")) for line in wrap(_RULE, width)),
    ]  # fmt: skip
    for phase in plan.phases:
        rows += [BLANK, title(phase.name.upper(), width)]
        for step in phase.steps:
            rows.append(
                row(
                    (f"{step.id:>2}  ", "dim"), (fit(step.title, width - 42), "bright" if step.changes else "text"),
                    (fit("changes" if step.changes else "looks", 8), "warn" if step.changes else "dim"),
                    (fit(about(step.expected_seconds), 6, right=True), "text"),
                    (f" of {about(step.budget_seconds):<6}", "dim"), (f" {_FAILURE[step.on_failure]}", "dim"),
                )
            )  # fmt: skip
    return rows
