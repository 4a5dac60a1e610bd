"""What side sources know about a service: kept apart, so that a slow one never holds up the service's own probe."""

import time
from dataclasses import dataclass, field

from actions.clients.measured import Measured
from actions.model.platform import TrafficFacts, WorkloadFacts

NOTHING = Measured(None)
LOOKS_BACK_SECONDS = 60.0
"""The usual range of a rate in Prometheus; within it the answers of an earlier version are mixed in."""


@dataclass
class Seen:
    """Facts of one slot, or why there are none, and when (monotonic)."""

    at: float
    facts: WorkloadFacts | None = None
    error: str = ""


@dataclass
class SideFacts:
    """The latest of every side source of one service. Written by their tasks, read when a snapshot is made."""

    slots: dict[str, Seen] = field(default_factory=dict)
    traffic: TrafficFacts | None = None
    measured: dict[str, tuple[float, Measured]] = field(default_factory=dict)
    counted: dict[str, tuple[float, Measured]] = field(default_factory=dict)

    def figure(self, name: str, oldest: float = 60.0, since: float | None = None) -> tuple[Measured, str]:
        """`name` from Prometheus, else from the service's own metrics, and where it is from; None when older.

        With `since` (monotonic) only what was measured of answers given from then on: metrics are counted within one
        process, a query of Prometheus looks back over a range that is taken to be `LOOKS_BACK_SECONDS`.
        """
        now = time.monotonic()
        reason = NOTHING
        for source, values in (("Prometheus", self.measured), ("metrics", self.counted)):
            at, value = values.get(name, (0.0, NOTHING))
            back = LOOKS_BACK_SECONDS if source == "Prometheus" else 0.0
            if value.value is not None and since is not None and at - back < since:
                reason = Measured(None, f"{source} still counts the version before")
                continue
            if value.value is not None and now - at <= oldest:
                return value, source
            if value.reason and value is not NOTHING:
                reason = value
        return Measured(None, reason.reason), ""
