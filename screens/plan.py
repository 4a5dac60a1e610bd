"""The full plan: every phase and step with what it may take and what happens when it fails."""

from actions.model.plan import OnFailure, Plan
from screens.cells import BLANK, Row, fit, row, title, wrap
from screens.reading import ReadingPage
from screens.words import about

_RULE = "if a step fails, what was changed before it is undone in reverse order, unless its line says otherwise"
_FAILURE = {
    OnFailure.UNDO: "goes back",
    OnFailure.WARN: "warns, goes on",
    OnFailure.STOP: "stops",
}


class PlanPage(ReadingPage):
    """A plan, as it would run."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan

    def heading(self) -> tuple[str, ...]:
        return (f"plan: {self.plan.title}",)

    def text(self, width: int) -> list[Row]:
        plan = self.plan
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
