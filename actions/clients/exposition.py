"""Counters from the text that services publish for Prometheus."""

import math
import re
from dataclasses import dataclass

_SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>[^}]*)\})?\s+(?P<value>\S+)")
_REQUESTS = re.compile(r"(?:\w+_)?requests(?:_total)?$")
_PROCESS = re.compile(r"process_start_time_seconds\b|\w*build_info\b")
_FAILED = re.compile(r"(?:status|code|status_code|status_class)=\"5")


@dataclass(frozen=True)
class Requests:
    """Requests answered since a process began, those of them with a 5xx status, and what tells this process apart."""

    total: float
    failed: float
    process: str = ""


def count_requests(text: str) -> Requests | None:
    """The request counter in `text`: `http_requests_total`, or the first `…_requests_total`; None without one."""
    found: dict[str, list[float]] = {}
    process = ""
    for line in text.splitlines():
        if _PROCESS.match(line):
            process += line
        sample = _SAMPLE.match(line)
        if sample is None or not _REQUESTS.match(sample["name"]):
            continue
        value = _number(sample["value"])
        if value is not None:
            sums = found.setdefault(sample["name"], [0.0, 0.0])
            sums[0] += value
            sums[1] += value if _FAILED.search(sample["labels"] or "") else 0.0
    if not found:
        return None
    name = "http_requests_total" if "http_requests_total" in found else next(iter(found))
    total, failed = found[name]
    return Requests(total, failed, process[:500])


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
