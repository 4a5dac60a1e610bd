"""Redis and its kin: a reading half that asks PING and INFO, and a writing half that sends each command once.

redis-py repeats commands by itself unless told otherwise: one increment whose replies were lost reached a server eleven
times. Both halves here have no retry.
"""

import contextlib
import os
import time
from collections.abc import Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr
from redis.asyncio import Connection, ConnectionPool, Redis, SSLConnection
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, BusyLoadingError, NoPermissionError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from actions.clients.names import look_up
from actions.clients.redis_info import RedisStatus, parse_status, with_cluster
from actions.clients.secrets import redact
from actions.clients.tls import tls_context
from actions.model.errors import Ambiguous, ConfigError, Refused, Unreachable
from actions.model.fair_timeout import fair_timeout
from actions.model.text import clean
from actions.model.workloads import Tls

T = TypeVar("T")


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
        database: bool = True,
    ) -> None:
        """Without `database` none is selected: a look needs none, nor the right to. Raises ConfigError."""
        try:
            options: dict[str, Any] = dict(parse_url(url))
        except ValueError as error:
            raise ConfigError(f"the address of Redis cannot be read: {clean(redact(str(error)))}") from None
        if not database:
            options.pop("db", None)
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
        options |= {"client_name": None, "driver_info": None, "encoding_errors": "replace", "max_connections": 2}
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
        self._server = _Server(url, database=False, **options)
        self._connected = False

    @property
    def where(self) -> str:
        """The server as messages name it."""
        return self._server.where

    async def status(self) -> RedisStatus:
        """PING for the latency, INFO for the figures, CLUSTER INFO where a cluster is enabled.

        What the user may not ask leaves its figures absent: a server that refuses a command is there.
        """
        return await self._bounded(self._status())

    async def close(self) -> None:
        """Close the connection."""
        await self._server.client.aclose()
        await self._server.client.connection_pool.disconnect()

    async def _status(self) -> RedisStatus:
        if self._server.host:
            await look_up(self._server.host)
        if not self._connected:
            await self._name_connection()  # connecting is not part of the latency
            self._connected = True
        began = time.perf_counter()
        await self._permitted("PING")
        latency = (time.perf_counter() - began) * 1_000
        info, refused = await self._permitted("INFO")
        status = parse_status(info if isinstance(info, dict) else {}, latency, refused)
        if not status.cluster:
            return status
        cluster, refused = await self._permitted("CLUSTER INFO")
        return with_cluster(status, cluster if isinstance(cluster, dict) else {}, refused)

    async def _permitted(self, command: str) -> tuple[Any, str]:
        """The answer, or None and why there is none: the user may not ask, or the server knows no such command."""
        try:
            return await self._server.client.execute_command(command), ""  # type: ignore[no-untyped-call]
        except AuthenticationError:
            raise
        except BusyLoadingError as error:  # INFO still answers and says so
            return None, self._server.words(error)
        except ResponseError as error:
            if isinstance(error, NoPermissionError) or str(error).lower().startswith("unknown "):
                return None, self._server.words(error)
            raise
        except ValueError as error:
            return None, f"the answer to {command} cannot be read: {self._server.words(error)}"

    async def _name_connection(self) -> None:
        """A courtesy to whoever reads CLIENT LIST; users without the right to it are no worse off."""
        with contextlib.suppress(NoPermissionError, ResponseError):
            await self._server.client.execute_command("CLIENT SETNAME", "vq-tui")  # type: ignore[no-untyped-call]

    async def _bounded(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            async with fair_timeout(self._server.timeout):
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
            async with fair_timeout(self._server.timeout):
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
