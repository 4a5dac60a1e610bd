"""What the desk hands to screens and commands beside the other facts."""

from actions.model.base import Fact
from actions.model.platform import WorkloadFacts


class SlotView(Fact):
    """One slot of a service as it stands now. `share` None: no traffic driver, or it did not answer.

    `facts` None means the platform did not answer; `error` then says why.
    """

    slot: str
    share: float | None
    facts: WorkloadFacts | None
    error: str = ""


class LogCounts(Fact):
    """Lines of the recent log that look like errors, slowness or security matters, and how many were read."""

    service: str
    lines: int
    error: int
    performance: int
    security: int
    unread: tuple[str, ...] = ()
    """Logs that could not be read, each with its reason: an unread log is never a clean one."""


class Scenario(Fact):
    """One kind of rehearsal: what is broken, the story an operator is told, and the lever that mends it.

    Seconds are budgets counted from the injection (`detected_seconds`), the detection (`decided_seconds`) and the
    decision (`recovered_seconds`).
    """

    id: str
    title: str
    story: str
    fault: str
    lever: str
    service: str
    detected_seconds: float
    decided_seconds: float
    recovered_seconds: float
