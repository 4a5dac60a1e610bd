"""What platforms report and what may be changed on them, in the same words for every kind of platform."""

from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from actions.model.base import Fact
from actions.model.health import Check
from actions.model.words import ProbeState

ANSWERED = "answered"
"""In an artefact's `detail`: what a release made of it was heard to call itself."""

NEVER_OBSERVED = "never_observed"
"""In an artefact's `detail`: nobody has observed it serving, so that what it calls itself is not known."""


class Artefact(Fact):
    """What a release is made of on one platform.

    `reference` is immutable: an image id, a sha256 of a pod template or of a release directory. `version` is what
    people call it. `detail` holds what the driver needs to find it again (repo digest, revision name, directory).
    `minimum_schema` and `maximum_schema` bound the database schema it runs on, where it declares them.
    """

    version: str
    reference: str
    detail: dict[str, JsonValue] = {}
    minimum_schema: int | None = None
    maximum_schema: int | None = None


class InstanceState(StrEnum):
    """State of one container, pod or process."""

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class Instance(Fact):
    """One container, pod or process. `ready` None means the platform does not say."""

    id: str
    name: str
    state: InstanceState
    ready: bool | None = None
    version: str | None = None
    reference: str | None = None
    restarts: int | None = None
    started_at: datetime | None = None
    host: str | None = None
    cpu: float | None = None
    memory_bytes: int | None = None
    message: str = ""


class StandingPin(Fact):
    """What keeps a deploy from changing the release that a rollback brought: an override file that names its image.

    `service` is its name in that file. `read` says whether a plain `up` reads the file; where it does not, only
    `deploy` does. `instead` is what the project's own files name, `blocks` which deploy is known to wait, and `lift`
    the command that takes the pin away.
    """

    service: str
    file: str
    image: str
    version: str
    read: bool
    lift: str
    deploy: str
    run: str | None = None
    instead: str = ""
    blocks: str = ""


class LiftedPin(Fact):
    """A pin that was taken away, and what was done for that."""

    pin: StandingPin
    done: str


class Holding(Fact):
    """Which artefacts of a service a platform is to hold outside of runs, and which it may let go, by reference.

    `known` are all that the ledger knows: of any other nothing is decided here.
    """

    keep: tuple[Artefact, ...] = ()
    let_go: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()


class WorkloadFacts(Fact):
    """What stands in one slot right now. `current` is None when instances disagree or none is known.

    `pins` are the identities a plan is bound to (ids, uid, generation). `at_hand` are
    the artefacts the platform could bring back without fetching anything, newest first. `notes` are what planning must
    say (paused, autoscaled, owned by a GitOps controller); a FAIL among them refuses a change. `rolling` says why
    others than `current` may answer (a rollout that is under way or stuck); empty when only `current` does. All that
    stands is `half_made` when changes made it and ended before its start: it never served.
    """

    observed_at: datetime
    desired: int
    instances: tuple[Instance, ...]
    current: Artefact | None = None
    pins: dict[str, JsonValue] = {}
    at_hand: tuple[Artefact, ...] = ()
    notes: tuple[Check, ...] = ()
    rolling: str = ""
    pin: StandingPin | None = None
    half_made: bool = False

    @property
    def ready_count(self) -> int:
        """Instances that run and are not known to be unready."""
        return sum(1 for one in self.instances if one.state is InstanceState.RUNNING and one.ready is not False)


class TrafficFacts(Fact):
    """Which slot gets which share, as observed from answers, beside what the configuration says.

    Shares are fractions that sum to 1. `drift` says how observation and configuration differ, empty when they agree.
    """

    observed_at: datetime
    shares: dict[str, float]
    configured: dict[str, float] = {}
    generation: str = ""
    pins: dict[str, JsonValue] = {}
    in_flight: dict[str, int] = {}
    drift: str = ""
    notes: tuple[Check, ...] = ()

    @property
    def serving(self) -> str | None:
        """The slot that gets most of the traffic; None when none is known."""
        return max(self.shares, key=lambda name: self.shares[name]) if self.shares else None


class Change(Fact):
    """One change of a workload or of traffic, pinned when planned; a driver carries it out.

    `action` and `params` are the driver's own; others only show the rest; `details` say what else differs. A
    `settling` change tidies up: it is carried out last, after the proof, and its failure is only a warning.
    """

    slot: str
    action: str
    title: str
    subject: str
    before: str = ""
    after: str = ""
    details: tuple[str, ...] = ()
    params: dict[str, JsonValue] = {}
    expected_seconds: float = 2.0
    budget_seconds: float = 60.0
    settling: bool = False


class Evidence(Fact):
    """What was observed, in one line for the screen, with the facts behind it. Never holds a secret."""

    text: str
    data: dict[str, JsonValue] = {}


class Probe(Fact):
    """What happened to an effect that was under way when its process died."""

    state: ProbeState
    evidence: str
    data: dict[str, JsonValue] = {}
