"""From measured values to verdicts. Pure; no measurement is inconclusive, never a pass."""

from collections.abc import Iterable

from actions.model.health import Figure
from actions.model.words import Gate, HealthState


def at_most(name: str, value: float | None, limit: float | None, unit: str = "", label: str = "") -> Figure:
    """A figure that must not exceed `limit`."""
    passes = None if value is None or limit is None else value <= limit
    return Figure(name=name, value=value, unit=unit, limit=limit, gate=_gate(passes), label=label)


def at_least(name: str, value: float | None, limit: float | None, unit: str = "", label: str = "") -> Figure:
    """A figure that must reach `limit`."""
    passes = None if value is None or limit is None else value >= limit
    return Figure(name=name, value=value, unit=unit, limit=limit, gate=_gate(passes), label=label)


def holds(name: str, passes: bool | None, text: str, label: str = "") -> Figure:
    """A figure in words with a verdict of its own; None is inconclusive."""
    return Figure(name=name, value=text or None, gate=_gate(passes), label=label)


def plain(name: str, value: float | str | None, unit: str = "", label: str = "") -> Figure:
    """A figure without a limit."""
    return Figure(name=name, value=value, unit=unit, label=label)


def failing(figures: Iterable[Figure]) -> list[Figure]:
    """The figures over their limits."""
    return [figure for figure in figures if figure.gate is Gate.FAIL]


def verdict(
    figures: Iterable[Figure], words: dict[str, str], heavy: frozenset[str] = frozenset()
) -> tuple[HealthState, str]:
    """State and word from judged figures: DOWN where a heavy one fails, DEGRADED where any other does.

    `words` gives the word for a failing figure, in order of importance; `slow` for those it does not name.
    """
    wrong = {figure.name for figure in failing(figures)}
    if not wrong:
        return HealthState.OK, "ok"
    word = next((words[name] for name in words if name in wrong), "slow")
    return (HealthState.DOWN if wrong & heavy else HealthState.DEGRADED), word


def _gate(passes: bool | None) -> Gate:
    if passes is None:
        return Gate.INCONCLUSIVE
    return Gate.PASS if passes else Gate.FAIL
