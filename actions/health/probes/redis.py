"""The probe of Redis and its kin."""

from collections.abc import Mapping
from dataclasses import replace

from actions.clients.redis import RedisReader
from actions.clients.redis_info import RedisStatus
from actions.config import resolve
from actions.health.judge import at_least, at_most, failing, holds, plain
from actions.health.probes.data_verdict import data_verdict
from actions.health.reading import Reading, down
from actions.health.window import Steady
from actions.health.wording import percent
from actions.model.errors import Refused, Unreachable
from actions.model.health import Figure
from actions.model.services import RedisService, RedisThresholds
from actions.model.words import HealthState

WORDS = {
    "cluster": "failing",
    "loading": "loading",
    "persistence": "failing",
    "replication": "failing",
    "memory": "full",
    "replica lag": "lagging",
    "hit ratio": "cold",
}
REFUSING = frozenset({"cluster", "loading"})
"""While one of these fails the server answers PING and refuses every key."""
SENTINEL = "a Sentinel, which holds no data: give the address of a data server"
FEWEST_LOOKUPS = 1_000
"""A hit ratio of fewer lookups says nothing: a cache that was just started is cold."""


class RedisProbe:
    """Looks at one Redis server over one kept connection."""

    def __init__(self, row: str, settings: RedisService) -> None:
        """Raises ConfigError."""
        password = resolve(settings.password) if settings.password else None
        self._reader = RedisReader(
            settings.url, username=settings.username, password=password, tls=settings.tls, timeout=settings.timeout
        )
        self._row = row
        self._limits = settings.thresholds
        self._before: RedisStatus | None = None
        self._steady = Steady()

    async def look(self) -> Mapping[str, Reading]:
        """PING and INFO."""
        try:
            status = await self._reader.status()
        except (Unreachable, Refused) as error:
            self._before = None
            return {self._row: down(error.message)}
        steady = replace(status, latency_ms=self._steady.add(status.latency_ms))
        figures = redis_figures(steady, self._before, self._limits)
        self._before = status
        state, word = redis_verdict(status, figures)
        summary = redis_summary(status, figures)
        latency = status.latency_ms
        return {self._row: Reading(state, word, summary, figures, status.version, latency, plotted=latency)}

    async def close(self) -> None:
        """Close the connection."""
        await self._reader.close()


def redis_verdict(status: RedisStatus, figures: tuple[Figure, ...]) -> tuple[HealthState, str]:
    """State and word. A Sentinel answers as a server does, and proves nothing about the data."""
    if status.role == "sentinel":
        return HealthState.UNKNOWN, "sentinel"
    return data_verdict(figures, WORDS, heavy=REFUSING, needed=("cluster", "loading"))


def redis_figures(status: RedisStatus, before: RedisStatus | None, limits: RedisThresholds) -> tuple[Figure, ...]:
    """Every figure, judged. Evictions are those since the look before. Pure."""
    figures = [
        at_most("latency", status.latency_ms, limits.latency_ms, "ms", "middle of the last three"),
        plain("server", " ".join(part for part in (status.product, status.version) if part)),
        plain("role", status.role),
    ]
    if status.role == "sentinel":
        return tuple(figures)
    figures += [*_memory(status, limits), _hits(status, limits), _evictions(status, before)]
    figures += [plain("clients", status.clients, "", _counted(status.blocked_clients, "blocked")), _persistence(status)]
    if status.loading is not False:
        figures.append(holds("loading", None if status.loading is None else False, _loading(status)))
    return (*figures, *_replication(status, limits), *_cluster(status))


def _loading(status: RedisStatus) -> str:
    return "loading its data" if status.loading else status.refused or "not told"


def _memory(status: RedisStatus, limits: RedisThresholds) -> list[Figure]:
    used, limit = status.memory_bytes, status.memory_limit
    share = used / limit if used is not None and limit else None
    label = {True: "of maxmemory", False: "of the host's", None: status.refused}[status.limit_is_set]
    return [at_most("memory", share, limits.memory, "fraction", label)]


def _hits(status: RedisStatus, limits: RedisThresholds) -> Figure:
    if status.hits is None or status.misses is None:
        return at_least("hit ratio", None, limits.hit_ratio, "fraction", status.refused)
    lookups = status.hits + status.misses
    enough = lookups >= FEWEST_LOOKUPS
    label = f"of {lookups} lookups" + ("" if enough else "; too few to judge")
    ratio = status.hits / lookups if lookups else None
    return at_least("hit ratio", ratio, limits.hit_ratio if enough else None, "fraction", label)


def _evictions(status: RedisStatus, before: RedisStatus | None) -> Figure:
    last = before.evicted if before is not None else None
    new = None if last is None or status.evicted is None else max(0, status.evicted - last)
    return plain("evictions", new, "", _counted(status.evicted, "in all"))


def _replication(status: RedisStatus, limits: RedisThresholds) -> list[Figure]:
    """Of a server whose role or replicas are not told the lag stays, unknown."""
    figures = []
    if status.role == "replica":
        words = {True: "up", False: "link to the primary is down", None: "not told"}
        figures.append(holds("replication", status.link_up, words[status.link_up]))
    if status.role != "primary" or status.replicas != 0:
        label = "" if status.replica_lag is not None else "a replica is not online, or its lag is not told"
        figures.append(at_most("replica lag", status.replica_lag, limits.replica_lag, "s", label))
    return figures


def _cluster(status: RedisStatus) -> list[Figure]:
    if status.cluster is False:
        return []
    return [holds("cluster", status.cluster_ok, status.cluster_words or status.refused or "not told")]


def redis_summary(status: RedisStatus, figures: tuple[Figure, ...]) -> str:
    """`61 % mem  hit 98 %`, and what is wrong beside these; another product than Redis is named."""
    if status.role == "sentinel":
        return SENTINEL
    values = {figure.name: figure.value for figure in figures}
    memory, ratio = values["memory"], values["hit ratio"]
    parts = [status.product] if status.product != "Redis" else []
    parts += [
        f"{percent(memory)} mem" if isinstance(memory, float) else "mem ?",
        f"hit {percent(ratio)}" if isinstance(ratio, float) else "hit ?",
    ]
    if status.refused or (status.cluster_ok is None and status.cluster):
        parts.append(status.refused or status.cluster_words)
    for figure in failing(figures):
        if figure.name == "cluster":
            parts.append(f"cluster {figure.value}")
        elif figure.name not in {"memory", "hit ratio"}:
            parts.append(figure.name)
    return "  ".join(parts)


def _persistence(status: RedisStatus) -> Figure:
    kind = {True: "append-only file", False: "snapshots", None: ""}[status.append_only]
    for good, words in (
        (status.snapshot_ok, "the last snapshot failed"),
        (status.append_ok if status.append_only else True, "the last append failed"),
        (status.rewrite_ok if status.append_only else True, "the last rewrite of the append-only file failed"),
    ):
        if good is False:
            return holds("persistence", False, words, kind)
    if status.append_only:
        passes = True if status.append_ok and status.rewrite_ok is not None else None
        return holds("persistence", passes, "ok" if passes else "not told", kind)
    if status.append_only is None or status.snapshot_ok is None or status.saved is None:
        return holds("persistence", None, "not told", kind or status.refused)
    if not status.saved:
        return holds("persistence", None, "no snapshot since the server started", kind)
    return holds("persistence", True, "ok", kind)


def _counted(number: int | None, word: str) -> str:
    return "" if number is None else f"{number} {word}"
