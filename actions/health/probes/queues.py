"""Queue metrics, read from what the service publishes: queues, sessions, mean length, throughput. Pure."""

from pydantic import JsonValue

from actions.health.judge import plain
from actions.health.reading import Reading, no_data
from actions.health.wording import count
from actions.model.words import HealthState

_NAMES = {
    "total": ("total", "total_queues", "queues_total", "queue_count", "queues"),
    "active": ("active", "active_queues", "queues_active"),
    "sessions": ("sessions", "active_sessions", "sessions_waiting", "total_sessions"),
    "mean length": ("mean_length", "mean_queue_length", "queue_length_mean", "average_queue_length", "mean"),
    "throughput": ("throughput", "throughput_per_second", "requests_per_second"),
}


def queue_reading(body: JsonValue, latency_ms: float) -> Reading:
    """The row `queues` from an answer: names at the top, under `summary`, or added up from the listed queues."""
    values = queue_values(body)
    if values["total"] is None:
        return no_data("the answer names no queues")
    total, active, mean = values["total"], values["active"], values["mean length"]
    parts = [f"{count(active) if active is not None else '?'}/{count(total)}"]
    if values["throughput"] is not None:
        parts.append(f"{count(values['throughput'])}/s")
    parts.append(f"mean {mean:.1f}" if mean is not None else "mean ?")
    units = {"throughput": "req/s"}
    figures = tuple(plain(name, value, units.get(name, "")) for name, value in values.items())
    known = active is not None and mean is not None
    state, word = (HealthState.OK, "ok") if known else (HealthState.DEGRADED, "partial")
    return Reading(state, word, "  ".join(parts), figures, latency_ms=latency_ms, plotted=mean)


def queue_values(body: JsonValue) -> dict[str, float | None]:
    """The five figures; None for each that the answer does not give."""
    outer: dict[str, JsonValue] = body if isinstance(body, dict) else {"queues": body}
    tables = [outer.get(key) for key in ("summary", "metrics", "data")]
    inner = next((one for one in tables if isinstance(one, dict)), outer)
    values = {figure: _first(inner, names) for figure, names in _NAMES.items()}
    listed = outer.get("queues")
    if isinstance(listed, list):
        found = [_first(one, ("length", "size", "waiting")) for one in listed if isinstance(one, dict)]
        lengths = [one for one in found if one is not None]
        whole = bool(listed) and len(lengths) == len(listed)
        derived = {
            "total": float(len(listed)),
            "active": float(sum(1 for one in lengths if one > 0)) if whole else None,
            "mean length": sum(lengths) / len(lengths) if whole else None,
        }
        values |= {name: value for name, value in derived.items() if values[name] is None}
    return values


def _first(table: dict[str, JsonValue], names: tuple[str, ...]) -> float | None:
    for name in names:
        value = table.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return float(value)
    return None
