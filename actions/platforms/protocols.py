"""The two small protocols behind which every platform stands: workload and traffic.

The reading half observes and plans; the writing half is another object and carries out `Change`s. A read-only session
is never given a writing half. All methods are async, bounded in time by their own client timeouts, and raise
`Unreachable` when the platform does not answer.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from actions.model.health import Check
from actions.model.platform import Artefact, Change, Evidence, Holding, Probe, StandingPin, TrafficFacts, WorkloadFacts
from actions.model.waiting import Deadline

Report = Callable[[str], None]
"""Takes one line of progress; the runner writes it to the journal and the console shows it."""


class WorkloadReader(Protocol):
    """What stands in one slot, and what it would take to put another artefact there."""

    async def observe(self) -> WorkloadFacts:
        """Instances, current artefact, pins and notes, read now."""
        ...

    async def at_hand(self, artefact: Artefact) -> Check:
        """Whether the artefact could be brought back without fetching anything, on every host that needs it."""
        ...

    async def permissions(self) -> tuple[Check, ...]:
        """Whether the credentials of this session may carry out a change; nothing is changed to find out."""
        ...

    async def plan_change(self, facts: WorkloadFacts, to: Artefact) -> tuple[Change, ...]:
        """The changes, in order, that bring `to` into this slot; pinned to `facts`. Raises Refused when impossible."""
        ...

    async def log_tail(self, instance: str, lines: int) -> tuple[str, ...]:
        """The last lines of one instance's log, cleaned."""
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...


@runtime_checkable
class Recalls(Protocol):
    """A reading half that can also find what it lists no more."""

    async def recall(self, facts: WorkloadFacts, names: tuple[str, ...]) -> tuple[Artefact, ...]:
        """Which of those references, or names as people type them, could still be brought back."""
        ...


class Upkeep(Protocol):
    """What a driver does outside of runs, where it does anything: it writes, so that no read-only session has one."""

    async def tidy(self, holding: Holding, now: datetime) -> tuple[str, ...]:
        """Hold the artefacts that are to be held, let others go, remove old evidence; what was done, in words."""
        ...

    async def lift_pin(self, pin: StandingPin) -> str:
        """Take a pin away; what was done. Raises Stale when it is another one now, Refused when it cannot."""
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...


class TrafficReader(Protocol):
    """Which slot users reach."""

    async def observe(self) -> TrafficFacts:
        """Shares as observed from answers on fresh connections, and as configured."""
        ...

    async def permissions(self) -> tuple[Check, ...]:
        """Whether this session could switch; nothing is changed to find out."""
        ...

    async def plan_switch(self, facts: TrafficFacts, shares: dict[str, float]) -> Change:
        """The change that gives `shares`; pinned to `facts`. Raises Refused when it cannot be done."""
        ...

    async def in_flight(self, slot: str) -> int | None:
        """Requests still being answered by that slot; None where the driver cannot count them."""
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...


class Changer(Protocol):
    """The writing half of a driver: carries out one `Change` under the step contract.

    `key` is the idempotency key of the step; it is written into the effect itself. `folder` is the run's undo folder
    (0700), kept until retention. No method repeats a write whose outcome is unknown: it raises Ambiguous, and the
    runner asks `probe`.
    """

    async def check(self, change: Change) -> Evidence:
        """Preconditions, read again right before acting. Raises Stale when anything pinned has moved."""
        ...

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence:
        """Write undo material durably before the intent is committed; the evidence names file and sha256."""
        ...

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        """Carry out the effect once. Called again after a crash only if the probe says so; then goes on from there."""
        ...

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        """Observe the outcome until the deadline. Raises VerifyFailed with what was seen instead."""
        ...

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        """Bring back what was before, and verify that. Safe to call again, and when nothing or only a part was done."""
        ...

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        """After a crash: what happened to the effect, decided by what is observed now."""
        ...

    async def manual(self, change: Change, folder: Path) -> tuple[str, ...]:
        """Steps for a person when even the way back failed, by what is there now, each with what it does to users.

        Where the platform does not answer, the steps begin with how to look. Raises nothing but for bad parameters.
        """
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...
