"""The figures of PostgreSQL as SQL, and what is made of the values. What cannot be read is None, never 0."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from actions.model.text import clean

_SOURCES = {
    "sessions": "select * from pg_stat_activity where pid <> pg_backend_pid()",
    "open_transactions": """
        select application_name, extract(epoch from clock_timestamp() - xact_start) as age,
            application_name in ('pg_dump', 'pg_dumpall') as is_dump
        from sessions where backend_type = 'client backend' and state <> 'idle' and xact_start is not null""",
    "index_builds": "select pid, phase from pg_stat_progress_create_index",
    "prepared": "select gid, extract(epoch from clock_timestamp() - prepared) as age from pg_prepared_xacts",
    # A receiver that streams is the only sign of life of a primary: positions stay equal when it sends no more.
    "receiver": """
        select case when pg_is_in_recovery() then coalesce(
            (select coalesce(status, 'hidden') from pg_stat_wal_receiver),
            (select case when setting = '' then 'archive' else 'none' end
                from pg_settings where name = 'primary_conninfo'),
            'hidden') end as state""",
}
_NEEDS = {"open_transactions": ("sessions",)}


@dataclass(frozen=True)
class Expression:
    """One figure as an SQL expression over some of the sources."""

    sql: str
    sources: tuple[str, ...] = ()


CHEAP: Mapping[str, Expression] = {
    "version": Expression("current_setting('server_version')"),
    "maximum_connections": Expression("current_setting('max_connections')::int"),
    "connections": Expression(
        """(select 1 + count(*) from sessions where backend_type = 'client backend'
            or (backend_type is null and datid is not null))""",
        ("sessions",),
    ),
    "sees_all": Expression(
        "(select count(*) = 0 from sessions where datid is not null and backend_type is null)", ("sessions",)
    ),
    # Without track_activities no session says since when its transaction is open.
    "longest_transaction": Expression(
        """case when not exists (select from sessions where state = 'disabled')
            then (select coalesce(max(age), 0) from open_transactions where not is_dump) end""",
        ("sessions", "open_transactions"),
    ),
    "longest_by": Expression(
        "(select application_name from open_transactions where not is_dump order by age desc limit 1)",
        ("open_transactions",),
    ),
    "dump": Expression("(select max(age) from open_transactions where is_dump)", ("open_transactions",)),
    # An index built concurrently waits for older transactions by design; nobody waits for it.
    "blocked": Expression(
        """(select count(*) from sessions where wait_event_type = 'Lock' and cardinality(pg_blocking_pids(pid)) > 0
            and pid not in (select pid from index_builds where phase like 'waiting for %'))""",
        ("sessions", "index_builds"),
    ),
    "index_builds": Expression("(select count(*) from index_builds)", ("index_builds",)),
    "index_phase": Expression("(select phase from index_builds order by pid limit 1)", ("index_builds",)),
    "prepared": Expression("(select count(*) from prepared)", ("prepared",)),
    "oldest_prepared": Expression("(select coalesce(max(age), 0) from prepared)", ("prepared",)),
    "prepared_name": Expression("(select gid from prepared order by age desc limit 1)", ("prepared",)),
    "standby": Expression("pg_is_in_recovery()"),
    "replicas": Expression("(select count(*) from pg_stat_replication where state is distinct from 'backup')"),
    "replication_lag": Expression(
        """case when not pg_is_in_recovery() then
                (select case when bool_or(state is null or (state = 'catchup' and replay_lag is null)) then null
                            else max(coalesce(extract(epoch from replay_lag), 0)) end
                 from pg_stat_replication where state is distinct from 'backup')
            when (select state from receiver) not in ('streaming', 'hidden')
                or pg_last_wal_receive_lsn() is distinct from pg_last_wal_replay_lsn()
                then extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())
            when (select state from receiver) = 'streaming' then 0 end""",
        ("receiver",),
    ),
    "receiver": Expression("(select state from receiver)", ("receiver",)),
}
"""What every look asks, in one query."""

COSTLY: Mapping[str, Expression] = {
    "size_bytes": Expression("pg_database_size(current_database())"),
    "wraparound_age": Expression("(select max(age(datfrozenxid)) from pg_database)"),
    # Whoever builds or drops an index concurrently holds this lock on the index or, while building, on its table;
    # pg_locks shows it to every role. An index of a partitioned table (I) is no index but the sum of its partitions'.
    "invalid_indexes": Expression(
        """(select count(*) from pg_index i join pg_class c on c.oid = i.indexrelid
            where not i.indisvalid and c.relkind <> 'I' and not exists (
                select from pg_locks l where l.mode = 'ShareUpdateExclusiveLock' and l.granted
                    and l.database = (select oid from pg_database where datname = current_database())
                    and (l.relation = i.indexrelid or (l.relation = i.indrelid and l.pid in
                        (select pid from pg_stat_progress_create_index)))))"""
    ),
    "tables": Expression("(select count(*) from pg_stat_user_tables)"),
}
"""What is asked once a minute, each by itself: the size of a large database must not cost the others."""


@dataclass(frozen=True)
class PostgresStatus:
    """One cheap look. Seconds are floats; None means that there is no such figure or that it could not be read.

    `unread` gives the reason of figures that the server refused; `sees_all` whether other roles' sessions are shown.
    """

    latency_ms: float
    version: str | None = None
    maximum_connections: int | None = None
    connections: int | None = None
    longest_transaction: float | None = None
    longest_by: str | None = None
    dump: float | None = None
    blocked: int | None = None
    index_builds: int | None = None
    index_phase: str | None = None
    prepared: int | None = None
    oldest_prepared: float | None = None
    prepared_name: str | None = None
    standby: bool | None = None
    replicas: int | None = None
    replication_lag: float | None = None
    sees_all: bool = False
    receiving: bool | None = None
    """Of a standby: whether it streams from its primary. None for one fed from an archive, or when not shown."""
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PostgresSizes:
    """One costly look: bytes, transactions until wraparound counted as age, indexes and tables as counts."""

    size_bytes: int | None = None
    wraparound_age: int | None = None
    invalid_indexes: int | None = None
    tables: int | None = None
    unread: Mapping[str, str] = field(default_factory=dict)


def select(expressions: Iterable[Expression]) -> str:
    """One statement that gives these figures in this order, and last the process that serves it."""
    chosen = list(expressions)
    wanted = {name for one in chosen for name in one.sources}
    wanted |= {name for source in wanted for name in _NEEDS.get(source, ())}
    sources = ", ".join(f"{name} as materialized ({sql})" for name, sql in _SOURCES.items() if name in wanted)
    columns = ", ".join([*(one.sql for one in chosen), "pg_backend_pid()"])
    return f"{f'with {sources} ' if sources else ''}select {columns}"


def status_of(latency_ms: float, values: Mapping[str, Any], unread: Mapping[str, str]) -> PostgresStatus:
    """The status of these values. Sessions of others that the role may not see leave their figures unknown."""
    sees_all = values.get("sees_all") is True
    receiver = _text(values.get("receiver"))
    return PostgresStatus(
        latency_ms=latency_ms,
        version=_text(values.get("version")),
        maximum_connections=_count(values.get("maximum_connections")),
        connections=_count(values.get("connections")),
        longest_transaction=_seconds(values.get("longest_transaction")) if sees_all else None,
        longest_by=_text(values.get("longest_by")),
        dump=_seconds(values.get("dump")),
        blocked=_count(values.get("blocked")) if sees_all else None,
        index_builds=_count(values.get("index_builds")),
        index_phase=_text(values.get("index_phase")),
        prepared=_count(values.get("prepared")),
        oldest_prepared=_seconds(values.get("oldest_prepared")),
        prepared_name=_text(values.get("prepared_name")),
        standby=_flag(values.get("standby")),
        replicas=_count(values.get("replicas")),
        replication_lag=_seconds(values.get("replication_lag")),
        sees_all=sees_all,
        receiving=None if receiver in (None, "hidden", "archive") else receiver == "streaming",
        unread=unread,
    )


def sizes_of(values: Mapping[str, Any], unread: Mapping[str, str]) -> PostgresSizes:
    """The sizes of these values."""
    return PostgresSizes(**{name: _count(values.get(name)) for name in COSTLY}, unread=unread)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _seconds(value: Any) -> float | None:
    """Ages may be a hair below 0 where a clock was set; anything that is no finite number is unknown."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    seconds = float(value)
    return max(0.0, seconds) if abs(seconds) < float("inf") else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    text = decoded(value)
    return (clean(text, limit=60) or None) if isinstance(text, str) else None


def decoded(value: Any) -> Any:
    """Text of a database without an encoding (SQL_ASCII) comes as bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value
