"""The reading half of PostgreSQL: one kept connection, and nothing left on the server's session.

A look is one message, which the server runs as one transaction: its settings end with it. So it also does through a
pooler, where the session belongs to the next client: no parameter is set for the session or sent while connecting, no
statement is prepared. `read only` is a courtesy, not a boundary: that is what the role's rights are for.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from actions.clients.names import look_up
from actions.clients.postgres_figures import (
    CHEAP,
    COSTLY,
    Expression,
    PostgresSizes,
    PostgresStatus,
    decoded,
    select,
    sizes_of,
    status_of,
)
from actions.clients.secrets import redact
from actions.model.errors import ConfigError, Unreachable
from actions.model.fair_timeout import fair_timeout
from actions.model.text import clean

T = TypeVar("T")

_CLOSING_SECONDS = 1.0
_UNREAD_SECONDS = 60.0
"""How long a figure that the server refused is not asked for again."""
_NAME = "vq-tui"
_SETTINGS = (
    "set transaction read only; set local application_name = {name}; "
    "set local statement_timeout = {milliseconds}; set local lock_timeout = 1000"
)
_TROUBLE = ("08", "53", "57", "58", "XX")
"""Classes of SQLSTATE that speak of the server or the connection, not of the query."""


class Unread(Unreachable):
    """The server answered that it does not run this query: a right, view or function is missing."""


class TooSlow(Unread):
    """The server ended the query at the limit that a look sets."""


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
        name = sql.Literal(clean(self._parameters.get("application_name") or _NAME, limit=60)).as_string()
        self._settings = _SETTINGS.format(milliseconds=int(timeout * 900), name=name)
        self._unread: dict[str, str] = {}
        self._unread_until = 0.0
        self._connection: psycopg.AsyncConnection[Any] | None = None

    @property
    def where(self) -> str:
        """The server as messages name it: host, port and database."""
        found = self._parameters
        return f"{found.get('host', 'local socket')}:{found.get('port', 5432)}/{found.get('dbname', '')}"

    async def status(self) -> PostgresStatus:
        """The cheap look; its latency is that of the query, without connecting."""
        await self._bounded(self._connected())
        if time.monotonic() >= self._unread_until:
            self._unread = {}
        wanted = {name: one for name, one in CHEAP.items() if name not in self._unread}
        try:
            began = time.perf_counter()
            values = await self._figures(wanted)
        except TooSlow:
            raise
        except Unread:
            self._unread = await self._which_are_unread(wanted)
            self._unread_until = time.monotonic() + _UNREAD_SECONDS
            began = time.perf_counter()
            values = await self._figures({name: one for name, one in wanted.items() if name not in self._unread})
        return status_of((time.perf_counter() - began) * 1_000, values, self._unread)

    async def sizes(self) -> PostgresSizes:
        """The costly look: once a minute is enough. What cannot be read leaves the other figures alone."""
        values: dict[str, Any] = {}
        unread: dict[str, str] = {}
        for name, expression in COSTLY.items():
            try:
                values |= await self._figures({name: expression})
            except Unread as error:
                unread[name] = error.message
            except Unreachable as error:
                unread |= {one: error.message for one in COSTLY if one not in values | unread}
                break
        return sizes_of(values, unread)

    async def tables(self) -> int | None:
        """How many tables the database holds, whatever the role may read of them."""
        return sizes_of(await self._figures({"tables": COSTLY["tables"]}), {}).tables

    async def scalar(self, query: str) -> object:
        """The first value of the first row of a configured query, text cleaned; None for no row."""
        row = await self._bounded(self._configured(query))
        value = decoded(row[0]) if row else None
        return clean(value) if isinstance(value, str) else value

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                await connection.close()

    async def _figures(self, wanted: Mapping[str, Expression]) -> dict[str, Any]:
        return dict(zip(wanted, await self._bounded(self._row(select(wanted.values()))), strict=True))

    async def _which_are_unread(self, wanted: Mapping[str, Expression]) -> dict[str, str]:
        """The reason of each figure that the server refuses, found by asking for one at a time."""
        unread = {}
        for name, expression in wanted.items():
            try:
                await self._figures({name: expression})
            except Unread as error:
                unread[name] = error.message
        return unread

    async def _row(self, query: str) -> tuple[Any, ...]:
        """One message: several statements that are one transaction without a word about it, in any kind of pool."""
        connection = await self._connected()
        cursor = await connection.execute(f"{self._settings}; {query}")
        while cursor.nextset():
            pass
        *figures, served_by = await cursor.fetchone() or (None,)
        await self._leave_pool(connection, served_by)
        return tuple(figures)

    async def _configured(self, query: str) -> tuple[Any, ...]:
        """A query that somebody wrote: the extended protocol takes one statement only, and none ends the transaction
        unnoticed; whatever it set is rolled back."""
        connection = await self._connected()
        async with connection.transaction(force_rollback=True):
            cursor = await connection.execute(f"{self._settings}; select pg_backend_pid()")
            while cursor.nextset():
                pass
            serving = await cursor.fetchone()
            row = await (await connection.execute(query, binary=True)).fetchone()
        await self._leave_pool(connection, serving[0] if serving else None)
        return tuple(row or ())

    async def _leave_pool(self, connection: psycopg.AsyncConnection[Any], served_by: object) -> None:
        """Close a connection that a pooler gave: in a session pool it would keep a place from the application.

        A pooler names a process of its own invention when connecting, a server the one that serves.
        """
        if served_by != connection.info.backend_pid:
            await self.close()

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        await self._look_up()
        options: dict[str, Any] = {"connect_timeout": max(2, round(self._timeout))}
        options |= self._parameters | {"application_name": ""}  # else a pooler gives it to clients that set none
        self._connection = await psycopg.AsyncConnection.connect(autocommit=True, prepare_threshold=None, **options)
        return self._connection

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
            async with fair_timeout(self._timeout):
                await asyncio.wait({task})
        except asyncio.CancelledError:
            await self._give_up(task)
            raise
        except TimeoutError:
            await self._give_up(task)
            raise Unreachable(f"PostgreSQL at {self.where}: no answer within {self._timeout:g} s") from None
        try:
            return task.result()
        except (psycopg.Error, OSError, UnicodeError, IndexError) as error:
            await self.close()
            raise _kind(error)(f"PostgreSQL at {self.where}: {self._words(error)}") from None

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


def _kind(error: BaseException) -> type[Unreachable]:
    if isinstance(error, psycopg.errors.QueryCanceled):
        return TooSlow
    state = str(error.sqlstate or "") if isinstance(error, psycopg.Error) else ""
    return Unread if state and not state.startswith(_TROUBLE) else Unreachable
