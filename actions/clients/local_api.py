"""JSON over HTTP to a helper process of this host, over a unix socket or loopback.

Total timeouts, bounded bodies, no redirects, no proxies, no retries. A refused connection is Unreachable (nothing was
sent); a write whose answer was lost is Ambiguous, so that the caller asks what happened instead of sending it again.
"""

import asyncio
import errno
import json
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import h11
from pydantic import SecretStr

from actions.clients.local_socket import reachable
from actions.model.errors import (
    Ambiguous,
    ConfigError,
    ReadOnlyError,
    Refused,
    Slow,
    Stale,
    UnknownNameError,
    Unreachable,
    VqError,
)
from actions.model.patience import fair_timeout
from actions.model.text import clean

BODY_LIMIT = 4 * 1024 * 1024
_FULL = {errno.EAGAIN, errno.ENOTCONN}
"""How a unix socket says that its queue is full: so many wait that nobody else can, and nothing was sent."""
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class _NotReached(Exception):
    """Nobody was connected to, so nothing was sent."""


class LocalApi:
    """Reads at one helper's address: `unix:///path/of.sock` or `http://127.0.0.1:port`. Seconds bound the whole call.

    Any other method than those is refused before anything is sent.
    """

    methods: ClassVar[frozenset[str]] = frozenset({"GET"})

    def __init__(self, address: str, *, what: str, timeout: float = 5.0, token: SecretStr | None = None) -> None:
        parts = urlsplit(address)
        self._socket = Path(unquote(parts.path)) if parts.scheme == "unix" else None
        if self._socket is None and (parts.scheme != "http" or parts.hostname not in _LOOPBACK):
            raise ConfigError(f"{what}: address {clean(address)} must be unix:///path or http:// on this host")
        self.address = address
        self.what = what
        self._host = parts.netloc or "local"
        try:
            self._port = (parts.hostname or "", parts.port or 80)
        except ValueError as error:
            raise ConfigError(f"{what}: address {clean(address)}: {clean(error)}") from error
        self._timeout = timeout
        self._token = token

    async def read(self, path: str) -> Any:
        """The JSON at `path`. Raises Unreachable, UnknownNameError (404) or Refused."""
        return await self._call("GET", path, None, self._timeout)

    async def _call(self, method: str, path: str, body: Any, seconds: float) -> Any:
        if method not in self.methods:
            raise ReadOnlyError(f"a client that only reads sends no {method} to {self.what}")
        request = self._request(method, path, None if body is None else json.dumps(body).encode())
        try:
            async with fair_timeout(seconds):
                status, content = await self._exchange(*request)
        except _NotReached as error:
            raise Unreachable(f"{self.what} does not answer at {self.address}: {clean(error)}") from error
        except (TimeoutError, OSError, h11.RemoteProtocolError) as error:
            reason = f"no answer within {seconds:g} s" if isinstance(error, TimeoutError) else clean(error)
            if method == "GET":
                kind = (
                    Slow if isinstance(error, TimeoutError) or getattr(error, "errno", None) in _FULL else Unreachable
                )
                raise kind(f"{self.what} at {self.address}: {reason}") from error
            raise Ambiguous(
                f"{self.what} at {self.address}: the answer to {method} {path} was lost ({reason})"
            ) from error
        return self._judge(status, content)

    def _request(self, method: str, path: str, content: bytes | None) -> tuple[h11.Request, bytes]:
        headers = [("Host", self._host), ("Connection", "close"), ("Accept", "application/json")]
        if content is not None:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        if self._token:
            headers.append(("Authorization", f"Bearer {self._token.get_secret_value()}"))
        return h11.Request(method=method, target=path, headers=headers), content or b""

    async def _exchange(self, request: h11.Request, content: bytes) -> tuple[int, bytes]:
        """One request on a connection of its own: a client that keeps connections costs ten times as much here."""
        reader, writer = await self._connected()
        try:
            talk = h11.Connection(h11.CLIENT)
            parts = [talk.send(request), talk.send(h11.Data(data=content)), talk.send(h11.EndOfMessage())]
            writer.write(b"".join(part for part in parts if part))
            await writer.drain()
            return await _answer(talk, reader)
        finally:
            writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            if self._socket is None:
                return await asyncio.open_connection(*self._port)
            with reachable(self._socket) as name:
                return await asyncio.open_unix_connection(name)
        except OSError as error:
            raise _NotReached(str(error)) from error

    def _judge(self, status: int, content: bytes) -> Any:
        try:
            payload = json.loads(content) if content else None
        except ValueError as error:
            raise VqError(f"{self.what} at {self.address} answered {status} with something that is not JSON") from error
        if status < 300:
            return payload
        error_text = payload.get("error") if isinstance(payload, dict) else None
        message = f"{self.what}: {clean(error_text or f'answered {status}')}"
        if status == 409:
            raise Stale(message)
        if status == 404:
            raise UnknownNameError(message)
        if 400 <= status < 500:
            raise Refused(message)
        raise VqError(message)


class LocalApiWriter(LocalApi):
    """Also changes things there."""

    methods = LocalApi.methods | {"PUT", "POST", "DELETE"}

    async def write(self, method: str, path: str, body: Any = None, *, timeout: float | None = None) -> Any:
        """Send one change, once. Raises Unreachable, Ambiguous, Stale (409), UnknownNameError (404) or Refused."""
        return await self._call(method, path, body, timeout or self._timeout)


async def _answer(talk: h11.Connection, reader: asyncio.StreamReader) -> tuple[int, bytes]:
    status, content = 0, bytearray()
    while True:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            talk.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            content += event.data
            if len(content) > BODY_LIMIT:
                raise h11.RemoteProtocolError(f"the answer is larger than {BODY_LIMIT} bytes")
        elif isinstance(event, h11.EndOfMessage):
            return status, bytes(content)
