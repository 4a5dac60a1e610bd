"""The probe of PostgreSQL: cheap figures each look, costly ones once a minute."""

import time
from collections.abc import Mapping
from dataclasses import replace

from actions.clients.postgres import PostgresReader
from actions.clients.postgres_figures import COSTLY, PostgresSizes, PostgresStatus
from actions.config import resolve
from actions.health.judge import at_most, failing, holds, plain
from actions.health.probes.data_verdict import data_verdict
from actions.health.reading import Reading, down
from actions.health.window import Steady
from actions.health.wording import milliseconds, seconds_text
from actions.model.errors import Unreachable
from actions.model.health import Figure
from actions.model.services import PostgresService, PostgresThresholds
from actions.model.words import Gate

COSTLY_SECONDS = 60.0
WORDS = {
    "wraparound age": "failing",
    "wal receiver": "failing",
    "connections": "full",
    "replication lag": "lagging",
    "blocked sessions": "blocked",
    "longest transaction": "long tx",
    "prepared transactions": "long tx",
    "dump": "long tx",
    "invalid indexes": "index",
}
HIDDEN = "the role may not see it; grant pg_monitor"


class PostgresProbe:
    """Looks at one PostgreSQL server over one kept connection."""

    def __init__(self, row: str, settings: PostgresService) -> None:
        """Raises ConfigError."""
        password = resolve(settings.password) if settings.password else None
        self._reader = PostgresReader(settings.dsn, password=password, timeout=settings.timeout)
        self._row = row
        self._limits = settings.thresholds
        self._sizes = PostgresSizes(unread=dict.fromkeys(COSTLY, "not asked yet"))
        self._sizes_due = 0.0
        self._steady = Steady()

    async def look(self) -> Mapping[str, Reading]:
        """The cheap figures, with the last costly ones."""
        try:
            status = await self._reader.status()
        except Unreachable as error:
            return {self._row: down(error.message)}
        if time.monotonic() >= self._sizes_due:
            self._sizes_due = time.monotonic() + COSTLY_SECONDS
            self._sizes = await self._reader.sizes()
        steady = replace(status, latency_ms=self._steady.add(status.latency_ms))
        figures = postgres_figures(steady, self._sizes, self._limits)
        state, word = data_verdict(figures, WORDS)
        summary = postgres_summary(steady, figures)
        latency = status.latency_ms
        return {self._row: Reading(state, word, summary, figures, status.version, latency, plotted=latency)}

    async def close(self) -> None:
        """Close the connection."""
        await self._reader.close()


def postgres_figures(status: PostgresStatus, sizes: PostgresSizes, limits: PostgresThresholds) -> tuple[Figure, ...]:
    """Every figure, judged. Pure."""
    figures = [
        at_most("latency", status.latency_ms, limits.latency_ms, "ms", "middle of the last three"),
        _connections(status, limits),
        *_transactions(status, limits),
        _blocked(status, limits),
        plain("role", {True: "standby", False: "primary", None: None}[status.standby], "", _why(status, "standby")),
        *_replication(status, limits),
        plain("size", sizes.size_bytes, "bytes", _why(sizes, "size_bytes")),
        at_most("wraparound age", sizes.wraparound_age, limits.wraparound_age, "", _why(sizes, "wraparound_age")),
        at_most("invalid indexes", sizes.invalid_indexes, 0, "", _why(sizes, "invalid_indexes")),
        plain("tables", sizes.tables, "", _why(sizes, "tables")),
    ]
    if status.index_builds != 0:
        phase = _why(status, "index_builds") or status.index_phase or HIDDEN
        figures.append(plain("index builds", status.index_builds, "", phase))
    return tuple(figures)


def _connections(status: PostgresStatus, limits: PostgresThresholds) -> Figure:
    used, most = status.connections, status.maximum_connections
    share = used / most if used is not None and most else None
    label = f"{_number(used)} of {_number(most)}"
    return at_most(
        "connections",
        share,
        limits.connections,
        "fraction",
        _why(status, "connections", "maximum_connections") or label,
    )


def _transactions(status: PostgresStatus, limits: PostgresThresholds) -> list[Figure]:
    """Open transactions by kind: a nightly dump takes hours, and one that is prepared has no session any more."""
    longest, prepared = status.longest_transaction, status.oldest_prepared
    label = _why(status, "sees_all", "longest_transaction") or ("" if status.sees_all else HIDDEN)
    label = label or status.longest_by or ("" if longest is not None else "track_activities is off")
    figures = [at_most("longest transaction", longest, limits.longest_transaction, "s", label)]
    if status.dump is not None:
        figures.append(at_most("dump", status.dump, limits.longest_dump, "s", "pg_dump reads the database"))
    if status.prepared != 0:
        name = f"{_number(status.prepared)}, oldest {status.prepared_name or '?'}"
        label = _why(status, "oldest_prepared") or name
        figures.append(at_most("prepared transactions", prepared, limits.longest_transaction, "s", label))
    return figures


def _replication(status: PostgresStatus, limits: PostgresThresholds) -> list[Figure]:
    """A standby that receives nothing fails: it grows old, whatever it has replayed of what it once received."""
    if status.standby is False and status.replicas == 0:
        return []
    unknown = _why(status, "replication_lag") or (HIDDEN if not status.sees_all else "not known yet")
    parts = ["" if status.standby else f"{_number(status.replicas)} replicas"]
    parts += [unknown] if status.replication_lag is None else []
    label = "; ".join(part for part in parts if part)
    figures = [at_most("replication lag", status.replication_lag, limits.replication_lag, "s", label)]
    if status.standby:
        words = {True: "streaming", False: "nothing is received from the primary", None: "not known"}
        figures.append(holds("wal receiver", status.receiving, words[status.receiving], _why(status, "receiver")))
    return figures


def _blocked(status: PostgresStatus, limits: PostgresThresholds) -> Figure:
    blocked, limit = status.blocked, limits.blocked
    gate = Gate.INCONCLUSIVE if blocked is None else Gate.FAIL if blocked >= max(1, limit) else Gate.PASS
    label = _why(status, "sees_all", "blocked") or ("" if status.sees_all else HIDDEN)
    return Figure(name="blocked sessions", value=blocked, limit=float(limit), gate=gate, label=label)


def postgres_summary(status: PostgresStatus, figures: tuple[Figure, ...]) -> str:
    """`81/100 conn  tx 4 m reporting`, and what is over its limit or runs long beside these."""
    wrong = {figure.name for figure in failing(figures)}
    parts = [f"{_number(status.connections)}/{_number(status.maximum_connections)} conn"]
    longest = "?" if status.longest_transaction is None else seconds_text(status.longest_transaction)
    by = status.longest_by if "longest transaction" in wrong else None
    parts.append(f"tx {longest} {by}" if by else f"tx {longest}")
    limit = next(figure.limit for figure in figures if figure.name == "longest transaction")
    if status.dump is not None and (limit is None or status.dump > limit):
        parts.append(f"pg_dump {seconds_text(status.dump)}")
    if "prepared transactions" in wrong:
        parts.append(f"prepared tx {seconds_text(status.oldest_prepared or 0)}")
    if "latency" in wrong:
        parts.append(milliseconds(status.latency_ms))
    if "blocked sessions" in wrong:
        parts.append(f"{status.blocked} blocked")
    shown = {"connections", "longest transaction", "dump", "prepared transactions", "latency", "blocked sessions"}
    return "  ".join([*parts, *sorted(wrong - shown)])


def _why(looked: PostgresStatus | PostgresSizes, *names: str) -> str:
    """Why the first of these figures that could not be read could not."""
    return next((looked.unread[name] for name in names if name in looked.unread), "")


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)
