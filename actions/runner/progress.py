"""Where a run stands, from its journal alone: a pure fold that another executor can go on from."""

from collections.abc import Iterable, Mapping

from actions.model.base import Fact
from actions.model.plan import OnFailure, Plan, PlannedStep
from actions.model.run import Event, EventKind
from actions.model.words import RunState


class StepProgress(Fact):
    """What the journal says about one step. `attempt` counts its intents."""

    attempt: int = 0
    intended: bool = False
    acted: bool = False
    settled: bool = False
    failed: str | None = None
    undo_begun: bool = False
    undone: bool = False

    @property
    def open(self) -> bool:
        """Whether an effect may be under way: its intent is committed, its outcome is not."""
        return self.intended and not self.settled and not self.undone

    @property
    def standing(self) -> bool:
        """Whether an effect may stand in the world."""
        return self.intended and not self.undone


def step_after(progress: StepProgress, event: Event) -> StepProgress:
    """`progress` after one more event of its step."""
    match event.kind:
        case EventKind.INTENT:
            fresh = {"attempt": event.attempt, "intended": True, "acted": False, "settled": False, "failed": None}
            return progress.model_copy(update=fresh)
        case EventKind.ACTED:
            return progress.model_copy(update={"acted": True})
        case EventKind.DONE | EventKind.SKIPPED:
            return progress.model_copy(update={"settled": True})
        case EventKind.FAILED:
            return progress.model_copy(update={"failed": str(event.body.get("error", ""))})
        case EventKind.UNDO_INTENT:
            return progress.model_copy(update={"undo_begun": True})
        case EventKind.UNDONE:
            return progress.model_copy(update={"undone": True})
        case _:
            return progress


class RunProgress:
    """The fold of one run, kept up to date as its executor writes."""

    def __init__(self, plan: Plan, events: Iterable[Event]) -> None:
        self.plan = plan
        self.steps: dict[int, StepProgress] = {step.id: StepProgress() for step in plan.steps}
        self.points: set[str] = set()
        self.undoing = False
        self.executors = 0
        self.recoveries = 0
        self._orderly = True
        self._waiting = False
        self.see(events)

    def see(self, events: Iterable[Event]) -> None:
        """Take in further events, in order."""
        for event in events:
            if event.step in self.steps:
                self.steps[event.step] = step_after(self.steps[event.step], event)
            if event.kind is EventKind.CLOCK:
                self.points.add(str(event.body.get("point")))
            elif event.kind is EventKind.LOCK_ACQUIRED:
                self._new_executor()
            elif event.kind is EventKind.STATE:
                self._new_state(str(event.body.get("to")))

    def _new_executor(self) -> None:
        self.executors += 1
        if not self._orderly:
            self.recoveries += 1
        self._orderly = (
            self._waiting
        )  # one that comes while a person is waited for only looks, until it moves the state

    def _new_state(self, to: str) -> None:
        if to == RunState.UNDOING:
            self.undoing = True
        if to in (RunState.PAUSED, RunState.NEEDS_OPERATOR):
            # The executor stopped in good order, and a person decides when it goes on.
            self._orderly, self._waiting, self.recoveries = True, True, 0
        elif to in (RunState.RUNNING, RunState.UNDOING):
            self._orderly, self._waiting = False, False

    @property
    def changed(self) -> bool:
        """Whether an effect may stand in the world."""
        return any(self.steps[step.id].standing for step in self.plan.steps if step.changes)

    def to_undo(self) -> tuple[PlannedStep, ...]:
        """Steps whose effects may stand, newest first."""
        return tuple(step for step in reversed(self.plan.steps) if step.changes and self.steps[step.id].standing)

    def settled(self, step: PlannedStep) -> bool:
        """Whether going forward has nothing more to do at this step."""
        progress = self.steps[step.id]
        return progress.settled or (progress.failed is not None and step.on_failure is OnFailure.WARN)

    def failed_step(self) -> tuple[PlannedStep, str] | None:
        """The step whose failure calls for the way back, when its executor died between the two."""
        for step in self.plan.steps:
            failed = self.steps[step.id].failed
            if failed is not None and step.on_failure is OnFailure.UNDO:
                return step, failed
        return None


def warnings(progress: RunProgress) -> Mapping[int, str]:
    """Failures that did not stop the run, by step."""
    return {number: step.failed for number, step in progress.steps.items() if step.failed is not None}
