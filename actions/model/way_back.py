"""What planning a rollback looks at, read once and then only reasoned about."""

from datetime import datetime

from pydantic import Field

from actions.model.base import Fact
from actions.model.environment import Budgets, Policy
from actions.model.errors import ExitCode
from actions.model.health import Check, ServiceHealth
from actions.model.plan import LeftBehind, Release
from actions.model.platform import Artefact, Change, TrafficFacts, WorkloadFacts
from actions.model.record import Drill
from actions.model.services import HttpService, PostgresService, RedisService
from actions.model.workloads import AddressWorkload


class SlotFacts(Fact):
    """One place a release can stand. `workload` is None when the platform did not answer; then `error` says why.

    The fields from `at_hand` on are about the chosen release: whether it could be put here, what it would take, or
    why it cannot be done.
    """

    slot: str
    url: str | None = None
    workload: WorkloadFacts | None = None
    error: str = ""
    error_code: ExitCode = ExitCode.REFUSED
    permissions: tuple[Check, ...] = ()
    at_hand: Check | None = None
    changes: tuple[Change, ...] | None = None
    refusal: str = ""

    @property
    def current(self) -> Artefact | None:
        """What stands here, if that is known."""
        return self.workload.current if self.workload else None


class Choice(Fact):
    """Which release a rollback leaves, where it would go, by which slot, or why it cannot.

    `slot` is where the chosen release will serve; `warm` says that it already stands there and is ready.
    `unknown` marks a refusal because of a name nobody knows, `code` what a command ends with.
    """

    current: Artefact | None = None
    current_release: Release | None = None
    to: Release | None = None
    artefact: Artefact | None = None
    slot: str | None = None
    warm: bool = False
    refusal: str = ""
    code: ExitCode = ExitCode.REFUSED
    unknown: bool = False
    others: tuple[Release, ...] = ()


class RollbackFacts(Fact):
    """Everything `plan_rollback`, `offer` and `readiness` decide from. Seconds everywhere; times aware UTC.

    `active` names the run that holds the environment, if any; `orphan` is the same one where nobody carries it out any
    more. `schemas` holds the schema version of each database that could be read; `schema_note` says why others could
    not, and is empty where there is none. `data_services` maps databases and caches beside the service to their kinds.
    `left_behind` holds, by reference, what rollbacks have left. `ledger_problem` says why nothing that the ledger would
    tell is known.
    """

    environment: str
    service: str
    at: datetime
    settings: HttpService | PostgresService | RedisService
    policy: Policy
    budgets: Budgets
    slots: tuple[SlotFacts, ...]
    traffic: TrafficFacts | None = None
    traffic_error: str = ""
    traffic_code: ExitCode = ExitCode.REFUSED
    has_traffic: bool = False
    traffic_permissions: tuple[Check, ...] = ()
    switch: Change | None = None
    switch_refusal: str = ""
    releases: tuple[Release, ...] = ()
    left_behind: dict[str, LeftBehind] = {}
    choice: Choice = Field(default_factory=Choice)
    past_seconds: tuple[float, ...] = ()
    active: str | None = None
    orphan: str | None = None
    schemas: dict[str, int] = {}
    schema_note: str = ""
    journal: Check | None = None
    ledger_problem: str = ""
    data_services: dict[str, str] = {}
    drills: tuple[Drill, ...] = ()
    health: ServiceHealth | None = None
    others_down: tuple[str, ...] = ()
    others_unknown: tuple[str, ...] = ()

    def slot(self, name: str | None) -> SlotFacts | None:
        """The facts of that slot."""
        return next((one for one in self.slots if one.slot == name), None)

    @property
    def unmanaged(self) -> bool:
        """Whether nothing here could ever bring another release: its only workload is an address."""
        return isinstance(self.settings.workload, AddressWorkload)

    @property
    def shares(self) -> dict[str, float]:
        """Share of traffic by slot, as observed; the only slot of a service without traffic driver has all of it."""
        if self.traffic is not None:
            return self.traffic.shares
        return {} if self.has_traffic else {one.slot: 1.0 for one in self.slots[:1]}
