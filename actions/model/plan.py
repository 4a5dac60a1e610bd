"""A Plan is data: it can be shown, digested, approved, stored, and resumed by another process."""

from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from actions.model.base import Fact
from actions.model.errors import ExitCode
from actions.model.health import Check
from actions.model.identity import digest
from actions.model.platform import StandingPin
from actions.model.words import Verdict


class OnFailure(StrEnum):
    """What the run does when this step fails."""

    UNDO = "undo"  # the declared way back: undo what was done, in reverse order
    WARN = "warn"  # say so and go on; the verdict of the run is not in this step
    STOP = "stop"  # needs an operator; neither forward nor back is safe by itself


class PlannedStep(Fact):
    """One step of a plan. `id` counts from 1 over the whole plan; `kind` names a class in `actions.steps`."""

    id: int
    kind: str
    title: str
    params: dict[str, JsonValue] = {}
    expected_seconds: float = 1.0
    budget_seconds: float = 30.0
    on_failure: OnFailure = OnFailure.UNDO
    changes: bool = False


class Phase(Fact):
    """A named group of steps."""

    name: str
    steps: tuple[PlannedStep, ...]


class Level(StrEnum):
    """How an operator asked for a rollback."""

    EMERGENCY = "emergency"  # R1, confirmation L2
    MANUAL = "manual"  # R2, confirmation L3
    AUTOMATIC = "automatic"  # R3


class RollbackRequest(Fact):
    """What an operator wants. `to` None means last known good. `key` makes a double key press one run."""

    environment: str
    service: str | None = None
    to: str | None = None
    level: Level = Level.EMERGENCY
    reason: str = ""
    key: str | None = None
    accept_drift: bool = False


class Preemptible(StrEnum):
    """How a run gives way when a rollback of its environment is asked for."""

    NEVER = "never"  # the rollback waits, or a person decides
    ABORT = "abort"  # it leaves as long as it has changed nothing
    BACK_OUT = "back-out"  # what it has changed is undone


PLAN_FORMAT = 2
"""Number of the stored form of a plan. A plan that names none is of the first."""


class Plan(Fact):
    """What will be done, exactly. What the operator sees before confirming is what runs."""

    procedure: str
    procedure_version: str
    environment: str
    service: str
    target: str
    title: str
    level: Level
    from_version: str | None
    to_version: str
    to_reference: str
    reason: str
    moves: tuple[str, ...]
    keeps: tuple[str, ...]
    phases: tuple[Phase, ...]
    expected_seconds: float
    budget_seconds: float
    pins: dict[str, JsonValue] = {}
    format: int = PLAN_FORMAT
    preemptible: Preemptible = Preemptible.NEVER

    @property
    def steps(self) -> tuple[PlannedStep, ...]:
        """All steps in order."""
        return tuple(step for phase in self.phases for step in phase.steps)

    @property
    def digest(self) -> str:
        """sha256 that an approval is bound to."""
        return digest(self.model_dump(mode="json"))


class Release(Fact):
    """One release that was seen serving, and what became of it. Seconds count healthy observation only.

    `answered` is what it called itself while it served; None when it did not say, or nobody listened long enough.
    `cleared_at` is when a person last took a verdict back that was held against it.
    """

    environment: str
    service: str
    version: str
    reference: str
    verdict: Verdict
    first_seen: datetime
    last_seen: datetime
    soaked_seconds: float = 0.0
    samples: int = 0
    failures: int = 0
    verdict_reason: str = ""
    verdict_at: datetime | None = None
    verdict_run: str | None = None
    seen_by: str = ""
    artefact: dict[str, JsonValue] = {}
    answered: str | None = None
    cleared_at: datetime | None = None


class LeftBehind(Fact):
    """A release that a rollback has left: `run_id` took users away from it, until `at` at the latest."""

    reference: str
    run_id: str
    at: datetime


class Readiness(Fact):
    """Readiness of the way back, always on the home screen.

    `gate` is the worst of the checks. `to` is the release it would go to; None when none may be offered.
    `expected_seconds` comes from past runs (`samples` of them), or from the plan while there are none. `pins` are what
    keeps the next deploy from changing the release.
    """

    environment: str
    service: str
    at: datetime
    checks: tuple[Check, ...]
    gate: str
    current: Release | None = None
    to: Release | None = None
    expected_seconds: float | None = None
    fastest: float | None = None
    slowest: float | None = None
    samples: int = 0
    reason: str = ""
    pins: tuple[StandingPin, ...] = ()


class RollbackOffer(Fact):
    """The rollback screen's whole content: a plan, or the reason why there is none, and the readiness behind it.

    `evidence` is what speaks against the release that serves, and the reason unless another is written; `note` says
    what else to know before it is rolled back, and is no reason. `drift` is the refusal where accepting
    that drift would go on.
    """

    readiness: Readiness
    plan: Plan | None
    refusal: str = ""
    refusal_code: ExitCode = ExitCode.REFUSED
    drift: str = ""
    others: tuple[Release, ...] = ()
    evidence: str = ""
    note: str = ""
    trouble_since: datetime | None = None
