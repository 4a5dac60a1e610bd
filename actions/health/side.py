"""What side sources know about a service: kept apart, so that a slow one never holds up the service's own probe."""

import time
from dataclasses import dataclass, field

from actions.clients.measured import Measured
from actions.model.platform import TrafficFacts, WorkloadFacts

NOTHING = Measured(None)


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

    def figure(self, name: str, oldest: float = 60.0) -> tuple[Measured, str]:
        """`name` from Prometheus, else from the service's own metrics, and where it is from; None when older."""
        now = time.monotonic()
        reason = NOTHING
        for source, values in (("Prometheus", self.measured), ("metrics", self.counted)):
            at, value = values.get(name, (0.0, NOTHING))
            if value.value is not None and now - at <= oldest:
                return value, source
            if value.reason and value is not NOTHING:
                reason = value
        return Measured(None, reason.reason), ""
