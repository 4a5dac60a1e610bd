"""What one look of one probe found, before it is joined with its past."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from actions.model.health import Figure
from actions.model.words import HealthState


@dataclass(frozen=True)
class Reading:
    """One row of one look. `fresh` False means no data came in: the last figures stay, `error` says why.

    `plotted` is the value of the sparkline, `error_share` the failed part of this look's requests (0 to 1).
    `judged` names the versions whose answers the figures are of, `serving_seconds` since when they alone serve.
    """

    state: HealthState
    word: str
    summary: str = ""
    figures: tuple[Figure, ...] = ()
    version: str | None = None
    latency_ms: float | None = None
    plotted: float | None = None
    error_share: float | None = None
    error: str | None = None
    fresh: bool = True
    judged: tuple[str, ...] = ()
    serving_seconds: float | None = None


def no_data(error: str) -> Reading:
    """Nothing is known: never shown as good, never as bad."""
    return Reading(HealthState.UNKNOWN, "no data", summary=error, error=error, fresh=False)


def down(error: str, summary: str = "") -> Reading:
    """The service itself does not answer, which is a finding. The summary is else the last clause of `error`."""
    words = summary or re.sub(r"^\[Errno \d+\] ", "", error.rsplit(": ", 1)[-1].strip())
    return Reading(HealthState.DOWN, "down", summary=words, error_share=1.0, error=error, fresh=False)


class Probe(Protocol):
    """Looks at one service. `look` is bounded in time and gives one reading for each row it feeds."""

    async def look(self) -> Mapping[str, Reading]:
        """Readings by row name."""
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...
