"""The reading half of PostgreSQL: one kept connection, cheap figures in one query, costly ones apart (H2).

`default_transaction_read_only` is set as a courtesy, not as a boundary: that is what the role's rights are for.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from actions.clients.names import look_up
from actions.clients.secrets import redact
from actions.model.errors import ConfigError, Unreachable
from actions.model.text import clean

T = TypeVar("T")

_CLOSING_SECONDS = 1.0
_SETTINGS = """
    select set_config('statement_timeout', %s, false), set_config('lock_timeout', '1000', false),
           set_config('default_transaction_read_only', 'on', false)
"""
_STATUS = """
    with sessions as materialized (select * from pg_stat_activity where pid <> pg_backend_pid()),
    receiver as materialized (select case when not pg_is_in_recovery() then null else coalesce(
        (select coalesce(status, 'hidden') from pg_stat_wal_receiver),
        case when (select setting from pg_settings where name = 'primary_conninfo') = '' then 'archive' else 'none' end
        ) end as state)
    select current_setting('server_version'), current_setting('max_connections')::int,
        (select 1 + count(*) from sessions where backend_type = 'client backend'
            or (backend_type is null and datid is not null)),
        (select extract(epoch from clock_timestamp() - min(xact_start)) from sessions
            where backend_type = 'client backend' and state <> 'idle'),
        (select count(*) from sessions where wait_event_type = 'Lock' and cardinality(pg_blocking_pids(pid)) > 0),
        (select count(*) from sessions where datid is not null and backend_type is null),
        pg_is_in_recovery(),
        (select count(*) from pg_stat_replication where state is distinct from 'backup'),
        case when not pg_is_in_recovery() then
                 (select case when bool_or(state is null or (state = 'catchup' and replay_lag is null)) then null
                             else max(coalesce(extract(epoch from replay_lag), 0)) end
                  from pg_stat_replication where state is distinct from 'backup')
             when receiver.state not in ('streaming', 'hidden')
                 or pg_last_wal_receive_lsn() is distinct from pg_last_wal_replay_lsn()
                 then extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())
             when receiver.state = 'streaming' then 0 end,
        receiver.state
    from receiver
"""
"""What was received and replayed says nothing about a primary that sends no more: only a receiver that streams makes
equal positions a lag of 0. A role that may not see a replica's state sees no lag either, not one of 0."""
_SIZES = """
    select pg_database_size(current_database()), (select max(age(datfrozenxid)) from pg_database),
        (select count(*) from pg_index where not indisvalid),
        (select count(*) from pg_stat_user_tables)
"""


@dataclass(frozen=True)
class PostgresStatus:
    """One cheap look. Seconds are floats; None means the server has no such figure or the role may not see it."""

    latency_ms: float
    version: str
    maximum_connections: int
    connections: int
    longest_transaction: float | None
    blocked: int | None
    standby: bool
    replicas: int
    replication_lag: float | None
    sees_all: bool
    receiving: bool | None = None
    """Of a standby: whether it streams from its primary. None for one fed from an archive, or when not shown."""


@dataclass(frozen=True)
class PostgresSizes:
    """One costly look: bytes, transactions until wraparound counted as age, indexes and tables as counts."""

    size_bytes: int
    wraparound_age: int
    invalid_indexes: int
    tables: int


class PostgresReader:
    """Reads one server. Reconnects when needed; every call is bounded by `timeout` seconds and raises Unreachable."""

    def __init__(self, dsn: str, *, password: SecretStr | None = None, timeout: float = 3.0) -> None:
        """Raises ConfigError for a connection string that cannot be read."""
        try:
            self._parameters = conninfo_to_dict(dsn)
        except psycopg.Error as error:
            raise ConfigError(f"the dsn is not a connection string: {clean(redact(str(error)))}") from None
        inline = self._parameters.get("password")
        self._secrets = [SecretStr(str(inline))] if inline else []
        if password is not None:
            self._secrets.append(password)
            self._parameters["password"] = password.get_secret_value()
        self._timeout = timeout
        self._connection: psycopg.AsyncConnection[Any] | None = None

    @property
    def where(self) -> str:
        """The server as messages name it: host, port and database."""
        found = self._parameters
        return f"{found.get('host', 'local socket')}:{found.get('port', 5432)}/{found.get('dbname', '')}"

    async def status(self) -> PostgresStatus:
        """The cheap look; its latency is that of the query, without connecting."""
        await self._bounded(self._connected())
        began = time.perf_counter()
        row = await self._bounded(self._row(_STATUS))
        latency_ms = (time.perf_counter() - began) * 1_000
        sees_all = row[5] == 0
        return PostgresStatus(
            latency_ms=latency_ms,
            version=clean(row[0], limit=60),
            maximum_connections=int(row[1]),
            connections=int(row[2]),
            longest_transaction=float(row[3] or 0) if sees_all else None,
            blocked=int(row[4]) if sees_all else None,
            standby=bool(row[6]),
            replicas=int(row[7]),
            replication_lag=None if row[8] is None else float(row[8]),
            sees_all=sees_all,
            receiving=None if row[9] in (None, "hidden", "archive") else row[9] == "streaming",
        )

    async def sizes(self) -> PostgresSizes:
        """The costly look: once a minute is enough."""
        row = await self._bounded(self._row(_SIZES))
        return PostgresSizes(*(int(value) for value in row))

    async def scalar(self, query: str) -> object:
        """The first value of the first row, text cleaned; None for no row."""
        row = await self._bounded(self._row(query))
        return clean(row[0]) if row and isinstance(row[0], str) else row[0] if row else None

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                await connection.close()

    async def _row(self, query: str) -> tuple[Any, ...]:
        connection = await self._connected()
        cursor = await connection.execute(query)
        return tuple(await cursor.fetchone() or ())

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        await self._look_up()
        options: dict[str, Any] = {"application_name": "vq-tui", "connect_timeout": max(2, round(self._timeout))}
        connection = await psycopg.AsyncConnection.connect(
            autocommit=True, prepare_threshold=None, **(options | self._parameters)
        )
        self._connection = connection
        await connection.execute(_SETTINGS, (str(int(self._timeout * 1_000)),))
        return connection

    async def _look_up(self) -> None:
        """Raises Unreachable when none of the hosts resolves."""
        hosts = [host for host in str(self._parameters.get("host", "")).split(",") if host]
        if "hostaddr" in self._parameters or any(host.startswith(("/", "@")) for host in hosts):
            return
        failures = []
        for host in hosts:
            try:
                await look_up(host)
            except Unreachable as error:
                failures.append(error)
        if failures and len(failures) == len(hosts):
            raise failures[0]

    async def _bounded(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._timeout)
        except asyncio.CancelledError:
            await self._give_up(task)
            raise
        if not done:
            await self._give_up(task)
            raise Unreachable(f"PostgreSQL at {self.where}: no answer within {self._timeout:g} s")
        try:
            return task.result()
        except (psycopg.Error, OSError, UnicodeError, IndexError) as error:
            lost = not isinstance(error, psycopg.Error) or isinstance(error, psycopg.OperationalError)
            if lost:
                await self.close()
            raise Unreachable(f"PostgreSQL at {self.where}: {self._words(error)}") from None

    async def _give_up(self, task: "asyncio.Future[Any]") -> None:
        """End a call that got no answer. psycopg would wait for the server to confirm a cancel: cut the wire."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.closed:
            with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)
            await asyncio.wait({task}, timeout=_CLOSING_SECONDS)
        task.cancel()
        await asyncio.wait({task}, timeout=_CLOSING_SECONDS)
        if task.done() and not task.cancelled():
            task.exception()
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                await connection.close()

    def _words(self, error: BaseException) -> str:
        text = str(error).strip()
        last = [line for line in text.splitlines() if line.strip()] or [type(error).__name__]
        chosen = next((line for line in last if "FATAL" in line or "ERROR" in line), last[0])
        return clean(redact(chosen, self._secrets), limit=200)
