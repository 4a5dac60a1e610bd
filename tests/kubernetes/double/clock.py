"""Cluster time: seconds that the controllers and the kubelet count, faster than the wall or moved by hand."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Pace:
    """How fast things happen, in cluster seconds, except `step`.

    `speed` is cluster seconds a real second, so that a progress deadline of 8 s passes in 8/speed seconds. `step` is
    the real time a controller takes to notice a change (the lag of observedGeneration).
    """

    speed: float = 10.0
    step: float = 0.01
    start: float = 0.2
    ready: float = 0.4
    stop: float = 0.2
    crash: float = 3.0
    back_off: float = 2.0


class Clock:
    """Runs `speed` times as fast as the wall, or, when `manual`, only when told to."""

    def __init__(self, speed: float, manual: bool) -> None:
        self.speed, self.manual = speed, manual
        self._zero = time.monotonic()
        self._began = datetime.now(UTC)
        self._seconds = 0.0

    def now(self) -> float:
        """Cluster seconds since the double began."""
        return self._seconds if self.manual else (time.monotonic() - self._zero) * self.speed

    def wall(self) -> datetime:
        """The time that objects are stamped with: the real one, or the manual one."""
        return self._began + timedelta(seconds=self._seconds) if self.manual else datetime.now(UTC)

    def advance(self, seconds: float) -> None:
        if not self.manual:
            raise RuntimeError("only a manual clock is advanced by hand")
        self._seconds += seconds
