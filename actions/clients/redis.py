"""Redis: a reading half that asks PING and INFO, and a writing half that sends each command once (H3, row 49).

redis-py repeats commands by itself unless told otherwise: one increment whose replies were lost reached a server eleven
times. Both halves here have no retry.
"""

import asyncio
import os
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr
from redis.asyncio import Connection, ConnectionPool, Redis, SSLConnection
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from actions.clients.names import look_up
from actions.clients.secrets import redact
from actions.clients.tls import tls_context
from actions.model.environment import Tls
from actions.model.errors import Ambiguous, ConfigError, Refused, Unreachable
from actions.model.text import clean

T = TypeVar("T")


@dataclass(frozen=True)
class RedisStatus:
    """One look. `memory_limit` is `maxmemory`, or the host's memory where none is set. Lags are seconds."""

    latency_ms: float
    version: str
    role: str
    memory_bytes: int
    memory_limit: int | None
    limit_is_set: bool
    hits: int
    misses: int
    evicted: int
    clients: int
    maximum_clients: int | None
    blocked_clients: int
    loading: bool
    snapshot_ok: bool
    append_only: bool
    append_ok: bool
    replicas: int
    replica_lag: float | None
    link_up: bool | None


class _PinnedConnection(SSLConnection):
    """TLS by our own context: redis-py would add the pinned authority to the system's instead of replacing them."""

    def __init__(self, *, context: Any, server_name: str | None, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context.context = context
        self._server_name = server_name

    def _connection_arguments(self) -> Any:
        arguments = super()._connection_arguments()
        return {**arguments, "server_hostname": self._server_name} if self._server_name else arguments


class _Server:
    """One server and how messages name it; never holds more than two connections."""

    def __init__(
        self,
        url: str,
        *,
        username: str | None = None,
        password: SecretStr | None = None,
        tls: Tls | None = None,
        timeout: float = 3.0,
    ) -> None:
        """Raises ConfigError."""
        try:
            options: dict[str, Any] = dict(parse_url(url))
        except ValueError as error:
            raise ConfigError(f"the address of Redis cannot be read: {clean(redact(str(error)))}") from None
        parts = urlsplit(url)
        self.host = parts.hostname if parts.scheme != "unix" else None
        self.where = parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"
        self.timeout = timeout
        if username is not None:
            options["username"] = username
        if password is not None:
            options["password"] = password.get_secret_value()
        self.secrets = [SecretStr(str(options["password"]))] if options.get("password") else []
        options.setdefault("connection_class", Connection)
        if options["connection_class"] is SSLConnection:
            server_name = tls.server_name if tls is not None else None
            options |= {"connection_class": _PinnedConnection, "context": tls_context(tls), "server_name": server_name}
        options |= {"socket_timeout": timeout, "socket_connect_timeout": timeout, "protocol": 2}
        options |= {"retry": Retry(NoBackoff(), 0), "retry_on_error": [], "health_check_interval": 0}
        options |= {"client_name": "vq-tui", "driver_info": None, "encoding_errors": "replace", "max_connections": 2}
        self.client = Redis(connection_pool=ConnectionPool(**options))

    def words(self, error: BaseException) -> str:
        """The error in words, without secrets."""
        if isinstance(error, TimeoutError | RedisTimeoutError):
            return f"Redis at {self.where}: no answer within {self.timeout:g} s"
        cause = error.__cause__ or error.__context__
        said = os.strerror(cause.errno) if isinstance(cause, OSError) and cause.errno else str(error)
        text = clean(redact(said, self.secrets), limit=200)
        if isinstance(error, AuthenticationError):
            return f"Redis at {self.where}: the password or user was refused ({text})"
        return f"Redis at {self.where}: {text}"


class RedisReader:
    """Reads one server. Keeps one connection; every call is bounded and raises Unreachable or Refused."""

    def __init__(self, url: str, **options: Any) -> None:
        """`options`: username, password, tls, timeout. Raises ConfigError."""
        self._server = _Server(url, **options)
        self._connected = False

    @property
    def where(self) -> str:
        """The server as messages name it."""
        return self._server.where

    async def status(self) -> RedisStatus:
        """PING for the latency, INFO for the figures."""
        return await self._bounded(self._status())

    async def close(self) -> None:
        """Close the connection."""
        await self._server.client.aclose()
        await self._server.client.connection_pool.disconnect()

    async def _status(self) -> RedisStatus:
        if self._server.host:
            await look_up(self._server.host)
        client = self._server.client
        if not self._connected:
            await client.ping()  # connecting is not part of the latency
            self._connected = True
        began = time.perf_counter()
        await client.ping()
        latency = (time.perf_counter() - began) * 1_000
        return parse_status(await client.info(), latency)

    async def _bounded(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            async with asyncio.timeout(self._server.timeout):
                return await work
        except (AuthenticationError, ResponseError) as error:
            raise Refused(self._server.words(error)) from None
        except (RedisError, TimeoutError, OSError, ValueError) as error:
            self._connected = False
            await self._server.client.connection_pool.disconnect()
            raise Unreachable(self._server.words(error)) from None


class RedisWriter:
    """Sends commands that change something: each once, never again by itself."""

    def __init__(self, url: str, **options: Any) -> None:
        """`options` as for RedisReader. Raises ConfigError."""
        self._server = _Server(url, **options)

    async def command(self, *words: str | bytes | int | float) -> Any:
        """One command. Raises Unreachable (nothing sent), Refused (the server said no) or Ambiguous (answer lost)."""
        connected = False
        try:
            async with asyncio.timeout(self._server.timeout):
                if self._server.host:
                    await look_up(self._server.host)
                await self._server.client.ping()
                connected = True
                return await self._server.client.execute_command(*words)  # type: ignore[no-untyped-call]
        except ResponseError as error:
            raise Refused(self._server.words(error)) from None
        except (RedisError, TimeoutError, OSError) as error:
            await self._server.client.connection_pool.disconnect()
            name = clean(words[0], limit=40)
            if not connected:
                raise Unreachable(f"{self._server.words(error)}; {name} was not sent") from None
            raise Ambiguous(
                f"{self._server.words(error)}; the answer to {name} is lost, it may have taken effect"
            ) from None

    async def close(self) -> None:
        """Close the connection."""
        await self._server.client.aclose()
        await self._server.client.connection_pool.disconnect()


def parse_status(info: dict[str, Any], latency_ms: float) -> RedisStatus:
    """The figures of an INFO answer. Raises ValueError where it is not one."""
    if "redis_version" not in info or "used_memory" not in info:
        raise ValueError("the answer to INFO holds no version and memory")
    limit = _whole(info.get("maxmemory")) or 0
    host_memory = _whole(info.get("total_system_memory")) or 0
    standby = info.get("role") == "slave"
    return RedisStatus(
        latency_ms=latency_ms,
        version=clean(info["redis_version"], limit=60),
        role="replica" if standby else "primary",
        memory_bytes=int(info["used_memory"]),
        memory_limit=limit or host_memory or None,
        limit_is_set=limit > 0,
        hits=_whole(info.get("keyspace_hits")) or 0,
        misses=_whole(info.get("keyspace_misses")) or 0,
        evicted=_whole(info.get("evicted_keys")) or 0,
        clients=_whole(info.get("connected_clients")) or 0,
        maximum_clients=_whole(info.get("maxclients")),
        blocked_clients=_whole(info.get("blocked_clients")) or 0,
        loading=bool(_whole(info.get("loading"))),
        snapshot_ok=info.get("rdb_last_bgsave_status", "ok") == "ok",
        append_only=bool(_whole(info.get("aof_enabled"))),
        append_ok=info.get("aof_last_write_status", "ok") == "ok",
        replicas=_whole(info.get("connected_slaves")) or 0,
        replica_lag=_lag(info, standby),
        link_up=info.get("master_link_status") == "up" if standby else None,
    )


def _lag(info: dict[str, Any], standby: bool) -> float | None:
    if standby:
        seconds = _whole(info.get("master_last_io_seconds_ago"))
        return None if seconds is None or seconds < 0 else float(seconds)
    lags = [_whole(one.get("lag")) for key, one in info.items() if key.startswith("slave") and isinstance(one, dict)]
    known = [lag for lag in lags if lag is not None and lag >= 0]
    return float(max(known)) if known else None


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
