"""What steps work with, and one attempt at a step."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from actions.model.plan import Plan, PlannedStep
from actions.runner.journal import Journal
from actions.steps.contract import Step, StepContext

if TYPE_CHECKING:
    from actions.model.environment import Environment
    from actions.platforms.access import WriteAccess
    from actions.steps.measures import Measures
    from actions.steps.records import Records


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

    def context(self, journal: Journal, step: PlannedStep, attempt: int) -> StepContext:
        """The context of one step."""
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
        )


@dataclass(frozen=True)
class Try:
    """One attempt at a step, `started` by the monotonic clock. The `last` one is not gone on with by another."""

    step: Step
    planned: PlannedStep
    context: StepContext
    attempt: int
    started: float
    last: bool = False
