"""What steps work with, and one attempt at a step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from actions.model.patience import FairDeadline, OwnTime
from actions.model.plan import Plan, PlannedStep
from actions.model.waiting import Deadline
from actions.runner.journal import Journal
from actions.steps.contract import Step, StepContext

if TYPE_CHECKING:
    from actions.model.environment import Environment
    from actions.platforms.access import WriteAccess
    from actions.steps.measures import Measures
    from actions.steps.records import Records


VERIFY_SHARE = 0.25
VERIFY_SECONDS = 15.0
"""What of a step's budget is left to its proof: this share, or so many seconds where that is less."""


@dataclass(frozen=True)
class Workshop:
    """What steps work with; the same for every step of a run."""

    plan: Plan
    environment: "Environment"
    registry: Mapping[str, Step]
    access: "WriteAccess"
    records: "Records"
    measures: "Measures"
    folder: Path
    own_time: OwnTime = field(default_factory=OwnTime)

    def limit(self, step: PlannedStep) -> Deadline:
        """The budget of one step from now on; time in which this process could not run is not counted."""
        return FairDeadline(step.budget_seconds, self.own_time)

    def context(self, journal: Journal, step: PlannedStep, attempt: int, limit: Deadline | None = None) -> StepContext:
        """The context of one step; `limit` is when its budget ends."""
        return StepContext(
            run_id=journal.run_id,
            plan=self.plan,
            step=step,
            environment=self.environment,
            access=self.access,
            records=self.records,
            measures=self.measures,
            folder=self.folder,
            report=journal.reporter(step.id, attempt),
            limit=limit,
        )


@dataclass(frozen=True)
class Try:
    """One attempt at a step, `started` by the monotonic clock. The `last` one is not gone on with by another.

    Attempts at the same step share its `limit`.
    """

    step: Step
    planned: PlannedStep
    context: StepContext
    attempt: int
    started: float
    limit: Deadline
    last: bool = False

    @property
    def spare(self) -> float:
        """Seconds for the parts before the proof: one that gets no time would have what was done well undone."""
        return spare(self.planned, self.limit)


def spare(planned: PlannedStep, limit: Deadline) -> float:
    """Seconds left to the parts of a step that come before its proof."""
    return max(0.0, limit.remaining() - min(VERIFY_SHARE * planned.budget_seconds, VERIFY_SECONDS))
