"""One row of the snapshot: its last finding joined with its past."""

from collections import deque
from datetime import datetime, timedelta

from actions.health.reading import Reading
from actions.health.steadiness import SLOW_SECONDS, Shown, next_shown
from actions.model.health import ServiceHealth
from actions.model.words import HealthState

LENGTH = 60
"""Values kept for a sparkline."""


class Track:
    """Keeps what came in last, and the rings of the recent past. `latest` is immutable and ready to be shown."""

    def __init__(self, row: str, kind: str, interval: float) -> None:
        self._trend: deque[float | None] = deque(maxlen=LENGTH)
        self._errors: deque[float | None] = deque(maxlen=LENGTH)
        self._shown: Shown | None = None
        self.latest = ServiceHealth(
            service=row,
            kind=kind,
            state=HealthState.UNKNOWN,
            word="no data",
            summary="not looked at yet",
            interval=interval,
        )

    def merge(self, reading: Reading, attempted_at: datetime, now: datetime) -> None:
        """Join one more look. Without fresh data the last figures stay, with their age, and `error` says why."""
        self._trend.append(reading.plotted if reading.fresh else None)
        self._errors.append(reading.error_share)
        last = self.latest
        held = self._held(reading)
        self.latest = ServiceHealth(
            service=last.service,
            kind=last.kind,
            interval=last.interval,
            state=reading.state,
            word=reading.word,
            summary=reading.summary,
            version=reading.version if reading.fresh else last.version,
            judged=reading.judged,
            version_since=None if reading.serving_seconds is None else now - timedelta(seconds=reading.serving_seconds),
            latency_ms=reading.latency_ms if reading.fresh else last.latency_ms,
            figures=reading.figures if reading.fresh else last.figures,
            trend=tuple(self._trend),
            errors=tuple(self._errors),
            observed_at=now if reading.fresh else last.observed_at,
            attempted_at=attempted_at,
            error=reading.error,
            held_state=held.state if held is not None else None,
            held_word=held.word if held is not None else "",
        )

    def _held(self, reading: Reading) -> Shown | None:
        """What stays on the screen although the last look found something better; None where that is shown."""
        other = reading.fresh and reading.version is not None and reading.version != self.latest.version
        anew = other or self.latest.interval > SLOW_SECONDS
        self._shown = next_shown(self._shown, reading.state, reading.word, anew=anew)
        shown = (self._shown.state, self._shown.word)
        return None if shown == (reading.state, reading.word) else self._shown
