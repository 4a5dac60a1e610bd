"""The lines of an exposition that may count requests, picked out by name before anything is parsed. Pure and linear."""

import re
from dataclasses import dataclass, field

LONGEST = 8 * 1024
"""Characters of a line; a longer one is not read, and what it belongs to is absent."""
MOST = 5_000
"""Series of one counter; more are not read."""

_NAME = re.compile(r'([a-zA-Z_:][\w:.]*)|\{\s*+"((?:[^"\\]|\\.)*+)"')
_TYPE = re.compile(r'#[ \t]++TYPE[ \t]++(?:([^\s"]++)|"((?:[^"\\]|\\.)*+)")[ \t]++(\w++)')
_COUNTER = re.compile(r"(?:^|_)requests?(?:_(?:total|count|served|handled|processed))*$")
_TIMED = re.compile(r"(?:^|_)requests?_\w*(?:seconds|duration|latency|time|milliseconds|ms)\w*_count$")
_OTHERS = re.compile(r"[^a-z0-9]+")
_NOT_OURS = frozenset(
    {"client", "clients", "outgoing", "outbound", "upstream", "backend", "promhttp", "prometheus", "scrape", "scrapes"}
    | {"metric", "metrics", "exporter", "active", "pending", "queued", "inflight", "flight", "dropped", "rejected"}
    | {"throttled", "limited", "cancelled", "canceled", "retried", "failed", "error", "errors", "slow", "invalid"}
    | {"bad", "blocked", "db", "database", "redis", "sql", "cache", "dns", "grpc", "size", "bytes"}
)
"""Words of counters of something else: requests to others, those of the scrapes themselves, a part of all requests."""
USUAL = ("http_requests_total", "http_server_requests_total")


@dataclass
class Lines:
    """One counter: its samples as written, its type where that is said, and whether anything of it was left out."""

    name: str
    timed: bool = False
    samples: list[str] = field(default_factory=list)
    type_line: str = ""
    left_out: str = ""

    @property
    def words(self) -> frozenset[str]:
        """The words of its name."""
        return frozenset(_plain(self.name).split("_"))


@dataclass
class Picked:
    """Counters that may be the one of requests, by name, and what tells this process from another."""

    counters: dict[str, Lines]
    process: str
    whole: bool = True


def pick(text: str, counter: str | None) -> Picked:
    """Every counter that may count requests; only that of the name `counter` where one is given."""
    types: dict[str, tuple[str, str]] = {}
    found: dict[str, Lines] = {}
    process: list[str] = []
    ended = False
    for raw in text.split("\n"):
        line = raw.strip()
        if line.startswith("#"):
            ended = ended or line == "# EOF"
            typed = _TYPE.match(line[:LONGEST])
            if typed is not None:
                types[typed[1] or typed[2]] = (typed[3], line)
            continue
        named = _NAME.match(line[:LONGEST])
        if named is None:
            continue
        name = named[1] or named[2]
        if name == "process_start_time_seconds" or name.endswith("build_info"):
            process.append(line)
        elif name == counter or (counter is None and "request" in name.lower()):
            _keep(found.setdefault(name, Lines(name)), line)
    counters = {name: one for name, one in found.items() if _counts(one, types, named=counter is not None)}
    return Picked(counters, "".join(process)[:500], ended)


def _keep(lines: Lines, line: str) -> None:
    if len(line) > LONGEST:
        lines.left_out = f"a line of {lines.name} is longer than {LONGEST // 1024} KiB"
    elif len(lines.samples) >= MOST:
        lines.left_out = f"{lines.name} has more than {MOST:,} series"
    else:
        lines.samples.append(line)


def _counts(lines: Lines, types: dict[str, tuple[str, str]], *, named: bool) -> bool:
    """Whether it only ever grows, by its type, and counts the requests that were answered here, by its name."""
    bare = re.sub(r"_(?:total|count)$", "", lines.name)
    kind, lines.type_line = types.get(lines.name) or types.get(bare) or ("unknown", "")
    lines.timed = kind in ("histogram", "summary")
    name = _plain(lines.name)
    if kind in ("gauge", "info", "stateset", "gaugehistogram") or (lines.timed and not lines.name.endswith("_count")):
        return False
    if named:
        return True
    if _NOT_OURS.intersection(name.split("_")):
        return False
    return bool((_TIMED if lines.timed else _COUNTER).search(name))


def _plain(name: str) -> str:
    return _OTHERS.sub("_", name.lower())
