"""Requests counted from the text that services publish for Prometheus, read by the parser of Prometheus' own client.

What cannot be read makes a figure absent, with the reason; never smaller. Bounded, but for a thread of its own: parsing
thousands of series takes a while.
"""

import math
from collections import defaultdict
from dataclasses import dataclass

from actions.clients.exposition_lines import USUAL, Lines, Picked, pick
from actions.clients.exposition_status import STATUS_LABELS, Kind, kind_of, status_label
from actions.clients.measured import Measured
from actions.model.text import clean

OPENMETRICS = "application/openmetrics-text"
_ROUTES = frozenset({"path", "handler", "route", "uri", "url", "endpoint", "method"})
"""Labels where "*" is a route like others."""
_ALL = ("*", "all", "_all", "total")


@dataclass(frozen=True)
class Sample:
    """One series: its labels and how much it counted."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True)
class Requests:
    """Requests answered since a process began, those of them with a 5xx status, and what tells this process apart."""

    total: Measured
    failed: Measured
    process: str = ""


class Unreadable(Exception):
    """Why a counter gives no figure."""


def count_requests(text: str, media: str = "", counter: str | None = None, status: tuple[str, ...] = ()) -> Requests:
    """The requests in an exposition of the content type `media`.

    `counter` names the counter and `status` the labels that may hold a status; else both are found by usual names.
    """
    picked = pick(text, counter)
    openmetrics = media.startswith(OPENMETRICS)
    try:
        if openmetrics and not picked.whole:
            raise Unreadable("the metrics end early: '# EOF' is missing")
        lines = _chosen(picked, counter, status)
        samples = _parsed(lines, openmetrics)
    except Unreadable as error:
        absent = Measured(None, str(error))
        return Requests(absent, absent, picked.process)
    return _summed(lines.name, samples, status, picked.process)


def _chosen(picked: Picked, counter: str | None, status: tuple[str, ...]) -> Lines:
    """The one counter of the service's own requests. Raises Unreadable where there is none, or no telling."""
    if not picked.counters:
        raise Unreadable("the metrics hold no request counter" + (f" '{clean(counter, limit=80)}'" if counter else ""))
    ranked = defaultdict(list)
    for lines in picked.counters.values():
        ranked[_rank(lines, status)].append(lines)
    best = ranked[min(ranked)]
    if len(best) > 1:
        names = ", ".join(clean(lines.name, limit=60) for lines in best[:3])
        raise Unreadable(f"several counters may be that of all requests: {names}; metrics_counter names one")
    if best[0].left_out:
        raise Unreadable(clean(best[0].left_out, limit=200))
    return best[0]


def _rank(lines: Lines, status: tuple[str, ...]) -> tuple[int, int]:
    """Smaller is better: counts HTTP, has a status, and is of a usual name; timed requests come last."""
    labelled = any(_is_labelled(line, status) for line in lines.samples[:1])
    http = "http" in lines.words
    usual = USUAL.index(lines.name) if lines.name in USUAL else 2
    return (0 if http else 2) + (0 if labelled else 1), 3 if lines.timed else usual


def _is_labelled(line: str, status: tuple[str, ...]) -> bool:
    flat = line.replace(" ", "").replace('"=', "=")
    return any(f"{mark}{name}=" in flat for name in status or STATUS_LABELS for mark in '{,"')


def _parsed(lines: Lines, openmetrics: bool) -> list[Sample]:
    # imported when needed: 60 ms that neither the first frame nor a command without metrics should pay
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict
    from prometheus_client.parser import text_string_to_metric_families as lax

    head = [lines.type_line] if lines.type_line and openmetrics and not lines.timed else []
    text = "\n".join([*head, *lines.samples, *(["# EOF"] if openmetrics else [])]) + "\n"
    found: list[Sample] = []
    try:
        for family in (strict if openmetrics else lax)(text):
            found += [Sample(dict(one.labels), float(one.value)) for one in family.samples]
    except (ValueError, KeyError, IndexError, TypeError, OverflowError) as error:
        raise Unreadable(f"{clean(lines.name, limit=80)} cannot be read: {clean(error, limit=100)}") from None
    if len(found) != len(lines.samples) or any(not math.isfinite(one.value) or one.value < 0 for one in found):
        raise Unreadable(f"{clean(lines.name, limit=80)} holds a value that is no count")
    return found


def _summed(name: str, samples: list[Sample], status: tuple[str, ...], process: str) -> Requests:
    label = status_label([one.labels for one in samples], status)
    for other in sorted({key for one in samples for key in one.labels} - _ROUTES - {label}):
        samples = _without_sums(samples, other, label)
    total, failed, unknown = _sum(samples, label)
    shown = clean(name, limit=80)
    if label is None:
        return Requests(Measured(total), Measured(None, f"{shown} has no label for the status"), process)
    if unknown:
        reason = f"{shown} has the status '{clean(unknown.pop(), limit=40)}', which is not understood"
        return Requests(Measured(total), Measured(None, reason), process)
    return Requests(Measured(total), Measured(failed), process)


def _sum(samples: list[Sample], label: str | None) -> tuple[float, float, set[str]]:
    """All requests, the failed ones, and statuses that are not understood. A class that is the total counts once."""
    groups: dict[frozenset[tuple[str, str]], list[tuple[Kind, float]]] = defaultdict(list)
    unknown: set[str] = set()
    for one in samples:
        value = one.labels.get(label or "", "")
        kind = kind_of(value) if label is not None else Kind.SERVED
        if kind is Kind.UNKNOWN:
            unknown.add(value or "(none)")
        groups[frozenset(pair for pair in one.labels.items() if pair[0] != label)].append((kind, one.value))
    total = failed = 0.0
    for group in groups.values():
        whole = [value for kind, value in group if kind is Kind.TOTAL]
        total += sum(whole) if whole else sum(value for _, value in group)
        failed += sum(value for kind, value in group if kind is Kind.FAILED)
    return total, failed, unknown


def _without_sums(samples: list[Sample], other: str, label: str | None) -> list[Sample]:
    """Without the series that add up all others of that label, as the host "*" does in nginx; only where they do."""
    for word in _ALL:
        whole = [one for one in samples if one.labels.get(other) == word]
        parts = [one for one in samples if one.labels.get(other) != word]
        if whole and parts and _sum(whole, label)[:2] == _sum(parts, label)[:2]:
            return parts
    return samples
