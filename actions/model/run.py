"""Runs and their journal, and the pure fold from events to what a screen shows."""

from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from actions.model.base import Fact
from actions.model.plan import Plan, PlannedStep
from actions.model.words import RunState, StepState

UNDECIDED = "undecided"
"""In the body of a note: the run stopped because neither side answered, with traffic on the one that was asked for."""


class EventKind(StrEnum):
    """Kinds of journal events. Bodies are documented beside each."""

    PLANNED = "planned"  # {digest}
    APPROVED = "approved"  # {by, how}
    BREAK_GLASS = "break-glass"  # {by, reason, problem, ledger, warnings}: the ledger was refused, and why
    LOCK_ACQUIRED = "lock-acquired"  # {token, pid, pid_start, boot_id, host}
    LOCK_STOLEN = "lock-stolen"  # {from_pid, by, reason}
    STATE = "state"  # {from, to, reason}
    INTENT = "intent"  # {key, title}: committed before the act
    PROGRESS = "progress"  # {text, ...}
    ACTED = "acted"  # {text, data}
    VERIFIED = "verified"  # {text, data}
    DONE = "done"  # {text, data, seconds, recovered}
    FAILED = "failed"  # {error, code, advice}
    SKIPPED = "skipped"  # {reason}
    PROBED = "probed"  # {state, evidence}
    UNDO_INTENT = "undo-intent"  # {key}
    UNDONE = "undone"  # {text}
    UNDO_FAILED = "undo-failed"  # {error, code, manual: [..]}
    GATE_OPENED = "gate-opened"  # {gate, question, choices}
    GATE_ANSWERED = "gate-answered"  # {gate, answer}
    COMMANDED = "commanded"  # {command, by, reason}
    NOTE = "note"  # {text}, with {undecided: true} where neither side was better than the other
    CLOCK = "clock"  # {point}: injected, detected, decided, acted, moved, recovered
    MEASURED = "measured"  # {name: value, ...}
    MANUAL = "manual"  # {steps: [..]}: what a person must do now
    IMPORTED = "imported"  # {by, from, events, head, conflicts}: brought in from the emergency ledger


class Event(Fact):
    """One line of the journal. `hash` is sha256(previous hash, canonical JSON of the rest)."""

    seq: int
    run_id: str
    step: int | None
    attempt: int
    kind: EventKind
    fence: int
    at: datetime
    actor: str
    body: dict[str, JsonValue]
    previous: str
    hash: str


class Run(Fact):
    """One row of the history."""

    id: str
    procedure: str
    procedure_version: str
    environment: str
    service: str
    target: str
    state: RunState
    level: str
    from_version: str | None
    to_version: str | None
    reason: str
    operator: str
    origin: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: float | None = None
    drill: bool = False
    metrics: dict[str, JsonValue] = {}

    @property
    def broke_glass(self) -> bool:
        """Whether it was made without the ledger, in the emergency ledger."""
        return self.metrics.get("break_glass") is True


class Failure(Fact):
    """Why a step failed; it stays when the step is undone. `code` is the word of an exit code, empty where unknown."""

    step: int | None
    code: str
    text: str


class StepView(Fact):
    """One step as a screen shows it."""

    step: PlannedStep
    phase: str
    state: StepState = StepState.PENDING
    attempt: int = 0
    text: str = ""
    data: dict[str, JsonValue] = {}
    started_at: datetime | None = None
    seconds: float | None = None
    recovered: bool = False
    failure: Failure | None = None


class RunView(Fact):
    """A run folded from its plan and its journal: what every console and command shows."""

    run: Run
    plan: Plan
    steps: tuple[StepView, ...]
    events: tuple[Event, ...]
    manual: tuple[str, ...] = ()
    clock: dict[str, datetime] = {}

    @property
    def current(self) -> StepView | None:
        """The step under way, if any."""
        return next((view for view in self.steps if view.state is StepState.RUNNING), None)

    @property
    def failure(self) -> Failure | None:
        """What ended the run otherwise than it was meant to; None while nothing did, and of one that succeeded."""
        if self.run.state is RunState.SUCCEEDED:
            return None
        failed = [view.failure for view in self.steps if view.failure is not None]
        if failed or self.run.state not in _ENDED_BADLY:
            return failed[-1] if failed else None
        reasons = (str(one.body.get("reason", "")) for one in reversed(self.events) if one.kind is EventKind.STATE)
        return Failure(step=None, code="", text=next(reasons, ""))

    def advance(self, run: Run, events: tuple[Event, ...]) -> "RunView":
        """This view after the events that followed; `run` is as it stands then. Costs what the new events cost."""
        if not events and run == self.run:
            return self
        views = {view.step.id: view for view in self.steps}
        manual, clock = self.manual, dict(self.clock)
        for event in events:
            if event.kind is EventKind.MANUAL:
                listed = event.body.get("steps")
                manual = tuple(str(one) for one in listed) if isinstance(listed, list) else manual
            elif event.kind is EventKind.STATE and event.body.get("to") not in _STILL_WAITING:
                manual = ()
            elif event.kind is EventKind.CLOCK:
                clock.setdefault(str(event.body.get("point")), event.at)
            if event.step in views:
                views[event.step] = advance(views[event.step], event)
        changes = {"run": run, "steps": tuple(views.values()), "manual": manual, "clock": clock}
        return self.model_copy(update=changes | {"events": self.events + events})


class Executor(Fact):
    """Who carries a run out: `alive`, `stopped` (SIGSTOP), `slow` (no heartbeat), `dead` or `none`."""

    state: str
    pid: int | None = None
    host: str = ""
    heartbeat_at: datetime | None = None
    token: int | None = None
    detail: str = ""


def fold(run: Run, plan: Plan, events: tuple[Event, ...]) -> RunView:
    """The state of every step, from the journal alone."""
    steps = tuple(StepView(step=step, phase=phase.name) for phase in plan.phases for step in phase.steps)
    return RunView(run=run, plan=plan, steps=steps, events=()).advance(run, events)


_STILL_WAITING = (RunState.NEEDS_OPERATOR, RunState.PAUSED)
_ENDED_BADLY = {*(state for state in RunState if state.terminal), RunState.NEEDS_OPERATOR} - {RunState.SUCCEEDED}
_STATES = {
    EventKind.INTENT: StepState.RUNNING,
    EventKind.DONE: StepState.DONE,
    EventKind.FAILED: StepState.FAILED,
    EventKind.SKIPPED: StepState.SKIPPED,
    EventKind.UNDONE: StepState.UNDONE,
    EventKind.UNDO_FAILED: StepState.UNKNOWN,
}


def advance(view: StepView, event: Event) -> StepView:
    """`view` after one more event of its step."""
    changes: dict[str, object] = {}
    if event.kind in _STATES:
        changes["state"] = _STATES[event.kind]
    if event.kind is EventKind.INTENT:
        changes |= {"attempt": event.attempt, "started_at": event.at, "failure": None}
    if event.kind is EventKind.DONE:
        changes["failure"] = None
    if event.kind in (EventKind.FAILED, EventKind.UNDO_FAILED):
        code, text = str(event.body.get("code", "")), str(event.body.get("error", ""))
        changes["failure"] = Failure(step=event.step, code=code, text=text)
    for key in ("text", "error", "reason", "evidence"):
        if isinstance(event.body.get(key), str) and event.kind not in (EventKind.NOTE, EventKind.COMMANDED):
            changes["text"] = event.body[key]
            break
    if isinstance(event.body.get("data"), dict):
        changes["data"] = event.body["data"]
    if isinstance(event.body.get("seconds"), int | float):
        changes["seconds"] = event.body["seconds"]
    if event.body.get("recovered") is True:
        changes["recovered"] = True
    return view.model_copy(update=changes) if changes else view
