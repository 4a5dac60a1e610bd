"""The probe of Redis (H3)."""

from collections.abc import Mapping
from dataclasses import replace

from actions.clients.redis import RedisReader, RedisStatus
from actions.config import resolve
from actions.health.judge import at_least, at_most, failing, holds, plain, verdict
from actions.health.reading import Reading, down
from actions.health.window import Steady
from actions.health.wording import percent
from actions.model.environment import RedisService, RedisThresholds
from actions.model.errors import Refused, Unreachable
from actions.model.health import Figure

WORDS = {
    "loading": "failing",
    "persistence": "failing",
    "replication": "failing",
    "memory": "full",
    "replica lag": "lagging",
    "hit ratio": "cold",
}
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
        state, word = verdict(figures, WORDS)
        summary = redis_summary(status, figures)
        latency = status.latency_ms
        return {self._row: Reading(state, word, summary, figures, status.version, latency, plotted=latency)}

    async def close(self) -> None:
        """Close the connection."""
        await self._reader.close()


def redis_figures(status: RedisStatus, before: RedisStatus | None, limits: RedisThresholds) -> tuple[Figure, ...]:
    """Every figure, judged. Evictions are those since the look before. Pure."""
    memory = status.memory_bytes / status.memory_limit if status.memory_limit else None
    lookups = status.hits + status.misses
    ratio = status.hits / lookups if lookups else None
    evicted = None if before is None else max(0, status.evicted - before.evicted)
    enough = lookups >= FEWEST_LOOKUPS
    hits = f"of {lookups} lookups" + ("" if enough else "; too few to judge")
    figures = [
        at_most("latency", status.latency_ms, limits.latency_ms, "ms", "middle of the last three"),
        at_most(
            "memory", memory, limits.memory, "fraction", "of maxmemory" if status.limit_is_set else "of the host's"
        ),
        at_least("hit ratio", ratio, limits.hit_ratio if enough else None, "fraction", hits),
        plain("evictions", evicted, "", f"{status.evicted} in all"),
        plain("clients", status.clients, "", f"{status.blocked_clients} blocked"),
        _persistence(status),
        plain("role", status.role),
    ]
    if status.loading:
        figures.append(holds("loading", False, "loading its data"))
    if status.link_up is not None:
        figures.append(holds("replication", status.link_up, "up" if status.link_up else "link to the primary is down"))
    if status.link_up is not None or status.replicas:
        figures.append(at_most("replica lag", status.replica_lag, limits.replica_lag, "s"))
    return tuple(figures)


def redis_summary(status: RedisStatus, figures: tuple[Figure, ...]) -> str:
    """`61 % mem  hit 98 %`, and what is wrong beside these."""
    values = {figure.name: figure.value for figure in figures}
    memory, ratio = values["memory"], values["hit ratio"]
    parts = [
        f"{percent(memory)} mem" if isinstance(memory, float) else "mem ?",
        f"hit {percent(ratio)}" if isinstance(ratio, float) else "hit ?",
    ]
    parts += [figure.name for figure in failing(figures) if figure.name not in {"memory", "hit ratio"}]
    return "  ".join(parts)


def _persistence(status: RedisStatus) -> Figure:
    kind = "append-only file" if status.append_only else "snapshots"
    if not status.snapshot_ok:
        return holds("persistence", False, "the last snapshot failed", kind)
    if status.append_only and not status.append_ok:
        return holds("persistence", False, "the last append failed", kind)
    return holds("persistence", True, "ok", kind)
