"""The verdict on an HTTP service from what was measured. Pure."""

from dataclasses import dataclass, field

from actions.clients.health_body import SETTLES, HealthVerdict
from actions.clients.http import Answer
from actions.health.judge import at_least, at_most, holds, plain
from actions.health.wording import milliseconds, percent
from actions.model.health import UNCLEAR, Figure
from actions.model.services import HttpThresholds
from actions.model.words import Gate, HealthState

FEWEST_FAILURES = 2
"""Own probes are few: one failed request among them is a percentage that means nothing."""

FEWEST_ANSWERS = 5
"""After a change of version so many answers without trouble are no figure yet; two failures are one at once."""


@dataclass(frozen=True)
class HttpFacts:
    """What is known after one look. Rates are fractions of one. `mean_ms`, `requests` and `failed` are of the versions
    `serving` now; `turned` says that one has just left, so that they may be few.

    `…_from` names a side source, `…_note` says why a configured one gave nothing.
    """

    health: Answer
    verdict: HealthVerdict
    mean_ms: float | None
    requests: int
    failed: int
    failing: dict[str, str] = field(default_factory=dict)
    asked: dict[str, Answer] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    serving: tuple[str, ...] = ()
    turned: bool = False
    error_rate: float | None = None
    error_rate_from: str = ""
    error_rate_note: str = ""
    throughput: float | None = None
    throughput_note: str = ""
    latency_from: str = ""
    latency_note: str = ""


def judge_http(facts: HttpFacts, limits: HttpThresholds) -> tuple[HealthState, str, str]:
    """State, word, and what is wrong in a few words (empty when nothing is)."""
    if not facts.health.reached:
        return HealthState.DOWN, "down", facts.health.reason
    if not facts.health.good:
        named = facts.verdict.state is HealthState.DOWN and facts.verdict.reasons
        return HealthState.DOWN, "failing", facts.verdict.detail if named else facts.health.reason
    if facts.verdict.state is HealthState.DOWN:
        return HealthState.DOWN, "failing", facts.verdict.detail
    if facts.mean_ms is not None and facts.mean_ms > limits.latency_down_ms:
        return HealthState.DOWN, "failing", f"mean {milliseconds(facts.mean_ms)}"
    if facts.failing:
        path, reason = next(iter(facts.failing.items()))
        return HealthState.DEGRADED, "failing", f"{path} {reason}"
    rate = _error_rate(facts, limits)
    if rate.gate is Gate.FAIL and isinstance(rate.value, float):
        return HealthState.DEGRADED, "errors", f"{percent(rate.value, 1)} errors"
    if facts.mean_ms is not None and facts.mean_ms > limits.latency_ms:
        return HealthState.DEGRADED, "slow", f"mean {milliseconds(facts.mean_ms)}"
    if facts.verdict.state is HealthState.DEGRADED:
        return HealthState.DEGRADED, "degraded", facts.verdict.detail
    if _throughput(facts, limits).gate is Gate.FAIL:
        return HealthState.DEGRADED, "low", f"{facts.throughput:.0f} req/s"
    if facts.verdict.state is HealthState.UNKNOWN:
        return HealthState.UNKNOWN, UNCLEAR, facts.verdict.detail
    return HealthState.OK, "ok", ""


def http_figures(facts: HttpFacts, limits: HttpThresholds) -> tuple[Figure, ...]:
    """Every figure of the service, judged."""
    status = str(facts.health.status) if facts.health.reached else None
    well = None if status is None else facts.health.good and facts.verdict.state is not HealthState.DOWN
    unclear = facts.health.good and facts.verdict.state is HealthState.UNKNOWN
    last = f"last {milliseconds(facts.health.milliseconds)}" if facts.health.reached else ""
    versions = ", ".join(f"{name} in {times}" for name, times in facts.versions.items())
    mean = too_few(facts) if facts.turned and facts.mean_ms is None else "mean"
    mean_from = facts.latency_from or _noted(f"{mean}; {last}", facts.latency_note)
    label = facts.verdict.reasons or (facts.verdict.detail if facts.health.good else facts.health.detail)
    figures = [
        holds("health", None if unclear else well, status or "", f"{label}; {SETTLES}" if unclear else label),
        at_most("latency", facts.mean_ms, limits.latency_ms, "ms", mean_from),
        _error_rate(facts, limits),
        _throughput(facts, limits),
        plain("version", next(iter(facts.versions), None), label=versions if len(facts.versions) > 1 else ""),
    ]
    for path, answer in facts.asked.items():
        wrong = facts.failing.get(path) or ("" if answer.good else answer.reason)
        figures.append(
            holds(path, not wrong, str(answer.status or "no answer"), wrong or milliseconds(answer.milliseconds))
        )
    return tuple(figures)


def _error_rate(facts: HttpFacts, limits: HttpThresholds) -> Figure:
    if facts.error_rate is not None:
        return at_most("error rate", facts.error_rate, limits.error_rate, "fraction", facts.error_rate_from)
    if facts.turned and facts.requests < FEWEST_ANSWERS and facts.failed < FEWEST_FAILURES:
        return at_most("error rate", None, limits.error_rate, "fraction", too_few(facts))
    own = f"{facts.failed} of {facts.requests} own requests "
    own += f"since {' and '.join(facts.serving)} serves" if facts.turned else "in the last minute"
    label = _noted(own, facts.error_rate_note)
    rate = facts.failed / facts.requests if facts.requests else None
    if 0 < facts.failed < FEWEST_FAILURES:
        return plain("error rate", rate, "fraction", f"{label}; too few to judge")
    return at_most("error rate", rate, limits.error_rate, "fraction", label)


def too_few(facts: HttpFacts) -> str:
    """Why there is no figure yet: no data is not good, and what an earlier version answered is not data."""
    return f"too few answers of {' and '.join(facts.serving)} yet"


def _noted(label: str, note: str) -> str:
    """With why the configured source gave nothing: the figure is by own requests then, and says so."""
    return f"{label}; {note}" if note else label


def _throughput(facts: HttpFacts, limits: HttpThresholds) -> Figure:
    label = facts.throughput_note or ("no limit set" if limits.throughput is None else "")
    return at_least("throughput", facts.throughput, limits.throughput, "req/s", label)
