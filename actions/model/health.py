"""Health: one immutable snapshot a tick."""

from datetime import datetime

from actions.model.base import Fact
from actions.model.words import Gate, HealthState

UNCLEAR = "unclear"
"""The word of a service whose health answer is a good one by its status, and whose verdict is not understood."""


class Figure(Fact):
    """One measured value. `value` None means not measured and is shown so. `gate` judges it against `limit`."""

    name: str
    value: float | int | str | None
    unit: str = ""
    limit: float | None = None
    gate: Gate = Gate.INCONCLUSIVE
    label: str = ""


class ServiceHealth(Fact):
    """What one probe of one service found, and the recent past of its main figure.

    `state` is judged from the figures; `word` is the short word on the screen (`ok`, `slow`, `down` …); `summary` the
    words next to it. `observed_at` is when data last came in, `attempted_at` when it was last tried; after a failed
    attempt the last figures are kept and `error` says why nothing newer came. `judged` names the versions whose answers
    the state is judged by (empty when none named itself), `version_since` when they took over from one that left, None
    when nobody saw that. `held_state` and `held_word` stay on the screen after a look that was better, until several
    were; nothing is decided by them.
    """

    service: str
    kind: str
    state: HealthState
    word: str
    summary: str = ""
    version: str | None = None
    judged: tuple[str, ...] = ()
    version_since: datetime | None = None
    latency_ms: float | None = None
    figures: tuple[Figure, ...] = ()
    trend: tuple[float | None, ...] = ()
    errors: tuple[float | None, ...] = ()
    observed_at: datetime | None = None
    attempted_at: datetime | None = None
    interval: float = 2.0
    error: str | None = None
    held_state: HealthState | None = None
    held_word: str = ""

    @property
    def shown_word(self) -> str:
        """The word for the screen: that of the last look, or a worse one that is held until it is surely over."""
        return self.held_word or self.word

    def age(self, now: datetime) -> float | None:
        """Seconds since data last came in; None when none ever did."""
        return None if self.observed_at is None else max(0.0, (now - self.observed_at).total_seconds())

    def stale(self, now: datetime) -> bool:
        """Whether the data is older than three intervals, or was never there."""
        age = self.age(now)
        return age is None or age > 3 * self.interval + 1

    def shown_state(self, now: datetime) -> HealthState:
        """The state a screen may show: stale data is never ok."""
        if self.stale(now) and self.state is not HealthState.DOWN:
            return HealthState.UNKNOWN
        return self.held_state or self.state

    def figure(self, name: str) -> Figure | None:
        """The figure of that name, if it was measured at all."""
        return next((figure for figure in self.figures if figure.name == name), None)


class Snapshot(Fact):
    """Everything one tick found in one environment."""

    environment: str
    sequence: int
    at: datetime
    services: tuple[ServiceHealth, ...] = ()

    def service(self, name: str) -> ServiceHealth | None:
        """The health of that service, if it is part of the snapshot."""
        return next((health for health in self.services if health.service == name), None)


class Check(Fact):
    """One named check with its evidence and, when it does not pass, what to do next (rule 6 of the console)."""

    id: str
    title: str
    gate: Gate
    evidence: str = ""
    advice: str = ""


def worst(gates: "list[Gate] | tuple[Gate, ...]") -> Gate:
    """FAIL before INCONCLUSIVE before PASS; no gate at all is INCONCLUSIVE."""
    if Gate.FAIL in gates:
        return Gate.FAIL
    return Gate.INCONCLUSIVE if not gates or Gate.INCONCLUSIVE in gates else Gate.PASS
