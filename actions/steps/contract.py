"""The step contract: check, protect, act, verify, undo, probe.

Adding a kind of step is adding one file with one subclass of `Step` and naming it in `actions.steps.registry`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from actions.model.errors import VqError
from actions.model.plan import Plan, PlannedStep
from actions.model.platform import Evidence, Probe
from actions.model.waiting import Deadline
from actions.model.words import ProbeState

if TYPE_CHECKING:
    from actions.model.environment import Environment
    from actions.platforms.access import WriteAccess
    from actions.steps.measures import Measures
    from actions.steps.records import Records


@dataclass(frozen=True)
class StepContext:
    """What a step may use. Built by the runner for each step; holds writing clients: exists only in an executor."""

    run_id: str
    plan: Plan
    step: PlannedStep
    environment: "Environment"
    access: "WriteAccess"
    records: "Records"
    measures: "Measures"
    folder: Path
    report: Callable[[str], None]
    limit: Deadline | None = None

    @property
    def key(self) -> str:
        """Idempotency key of this step: written into the effect itself."""
        return f"{self.run_id}.{self.step.id}"

    def deadline(self) -> Deadline:
        """When the budget of this step ends, which all its parts share; going back has a budget of its own."""
        return self.limit or Deadline(self.step.budget_seconds)


class NoUndo(VqError):
    """This step has no way back, and says so."""


class Step(ABC):
    """One kind of step. Instances hold no state: everything durable is in the journal or in the effect itself."""

    kind: str
    records: bool = False
    """Whether it writes into the ledger what has to be taken back when the run is undone; it changes nothing else."""

    async def check(self, context: StepContext) -> Evidence:
        """Preconditions, read again right before acting. Raises Stale or Refused."""
        return Evidence(text="")

    async def protect(self, context: StepContext) -> Evidence | None:
        """Undo material, durable before the intent is committed. None when the step needs none."""
        return None

    @abstractmethod
    async def act(self, context: StepContext) -> Evidence:
        """One effect. A step that only observes does its observing in `verify` and returns at once here."""

    @abstractmethod
    async def verify(self, context: StepContext) -> Evidence:
        """The observed outcome, polled to the step's deadline. Its evidence is what the screen shows."""

    async def undo(self, context: StepContext) -> Evidence:
        """The way back. A step that changes nothing has nothing to undo and says so."""
        if context.step.changes:
            raise NoUndo(f"step '{context.step.title}' has no way back")
        return Evidence(text="nothing to undo")

    async def probe(self, context: StepContext) -> Probe:
        """After a crash. A step that only observes is simply done again."""
        if context.step.changes:
            return Probe(state=ProbeState.UNKNOWN, evidence="this step cannot tell")
        return Probe(state=ProbeState.NOT_STARTED, evidence="only observes; safe to repeat")

    async def manual(self, context: StepContext) -> tuple[str, ...]:
        """Exact manual steps when even the way back failed, by what is there now."""
        return ()
