"""The probe of PostgreSQL (H2): cheap figures each look, costly ones once a minute."""

import time
from collections.abc import Mapping
from dataclasses import replace

from actions.clients.postgres import PostgresReader, PostgresSizes, PostgresStatus
from actions.config import resolve
from actions.health.judge import at_most, failing, holds, plain, verdict
from actions.health.reading import Reading, down
from actions.health.window import Steady
from actions.health.wording import milliseconds, seconds_text
from actions.model.environment import PostgresService, PostgresThresholds
from actions.model.errors import Unreachable
from actions.model.health import Figure
from actions.model.words import Gate

COSTLY_SECONDS = 60.0
WORDS = {"wraparound age": "failing", "wal receiver": "failing", "replication lag": "lagging"}
HIDDEN = "the role may not see it; grant pg_monitor"


class PostgresProbe:
    """Looks at one PostgreSQL server over one kept connection."""

    def __init__(self, row: str, settings: PostgresService) -> None:
        """Raises ConfigError."""
        password = resolve(settings.password) if settings.password else None
        self._reader = PostgresReader(settings.dsn, password=password, timeout=settings.timeout)
        self._row = row
        self._limits = settings.thresholds
        self._sizes: PostgresSizes | None = None
        self._sizes_error = "not asked yet"
        self._sizes_due = 0.0
        self._steady = Steady()

    async def look(self) -> Mapping[str, Reading]:
        """The cheap figures, with the last costly ones."""
        try:
            status = await self._reader.status()
        except Unreachable as error:
            return {self._row: down(error.message)}
        if time.monotonic() >= self._sizes_due:
            await self._look_closer()
        steady = replace(status, latency_ms=self._steady.add(status.latency_ms))
        figures = postgres_figures(steady, self._sizes, self._limits, self._sizes_error)
        state, word = verdict(figures, WORDS)
        summary = postgres_summary(steady, figures)
        latency = status.latency_ms
        return {self._row: Reading(state, word, summary, figures, status.version, latency, plotted=latency)}

    async def close(self) -> None:
        """Close the connection."""
        await self._reader.close()

    async def _look_closer(self) -> None:
        self._sizes_due = time.monotonic() + COSTLY_SECONDS
        try:
            self._sizes, self._sizes_error = await self._reader.sizes(), ""
        except Unreachable as error:
            self._sizes, self._sizes_error = None, error.message


def postgres_figures(
    status: PostgresStatus, sizes: PostgresSizes | None, limits: PostgresThresholds, sizes_error: str = ""
) -> tuple[Figure, ...]:
    """Every figure, judged. Pure."""
    hidden = "" if status.sees_all else HIDDEN
    share = status.connections / status.maximum_connections if status.maximum_connections else None
    used = f"{status.connections} of {status.maximum_connections}"
    figures = [
        at_most("latency", status.latency_ms, limits.latency_ms, "ms", "middle of the last three"),
        at_most("connections", share, limits.connections, "fraction", used),
        at_most("longest transaction", status.longest_transaction, limits.longest_transaction, "s", hidden),
        _blocked(status.blocked, limits.blocked, hidden),
        plain("role", "standby" if status.standby else "primary"),
    ]
    figures += _replication(status, limits)
    age = None if sizes is None else sizes.wraparound_age
    figures.append(plain("size", None if sizes is None else sizes.size_bytes, "bytes", sizes_error))
    figures.append(at_most("wraparound age", age, limits.wraparound_age, "", sizes_error))
    figures.append(at_most("invalid indexes", None if sizes is None else sizes.invalid_indexes, 0, "", sizes_error))
    figures.append(plain("tables", None if sizes is None else sizes.tables, "", sizes_error))
    return tuple(figures)


def _replication(status: PostgresStatus, limits: PostgresThresholds) -> list[Figure]:
    """A standby that receives nothing fails: it grows old, whatever it has replayed of what it once received."""
    if not status.standby and not status.replicas:
        return []
    known = status.replication_lag is not None
    label = "; ".join(
        part for part in ("" if status.standby else f"{status.replicas} replicas", "" if known else HIDDEN) if part
    )
    figures = [at_most("replication lag", status.replication_lag, limits.replication_lag, "s", label)]
    if status.standby:
        words = {True: "streaming", False: "nothing is received from the primary", None: "not known"}
        figures.append(holds("wal receiver", status.receiving, words[status.receiving]))
    return figures


def postgres_summary(status: PostgresStatus, figures: tuple[Figure, ...]) -> str:
    """`81/100 conn  tx 4 m`, and what is over its limit beside these."""
    longest = "?" if status.longest_transaction is None else seconds_text(status.longest_transaction)
    parts = [f"{status.connections}/{status.maximum_connections} conn", f"tx {longest}"]
    wrong = {figure.name for figure in failing(figures)} - {"connections", "longest transaction"}
    if "latency" in wrong:
        parts.append(milliseconds(status.latency_ms))
    if "blocked sessions" in wrong:
        parts.append(f"{status.blocked} blocked")
    parts += sorted(wrong - {"latency", "blocked sessions"})
    return "  ".join(parts)


def _blocked(blocked: int | None, limit: int, label: str) -> Figure:
    gate = Gate.INCONCLUSIVE if blocked is None else Gate.FAIL if blocked >= max(1, limit) else Gate.PASS
    return holds("blocked sessions", None, "", label).model_copy(
        update={"value": blocked, "limit": float(limit), "gate": gate}
    )
