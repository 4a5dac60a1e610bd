"""How the API is spoken to: connections of httpcore, writes sent once, silence noticed, lines of any length."""

import asyncio
import contextlib
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpcore

from actions.clients.http_streams import Streams
from actions.clients.http_wire import header
from actions.clients.kubernetes_config import Target, target
from actions.clients.kubernetes_identity import Identity, identity
from actions.clients.tls import plain_context
from actions.model.errors import ConfigError
from actions.model.text import clean

BODY_LIMIT = 64 * 1024 * 1024
CONNECT_SECONDS = 4.0
IDLE_SECONDS, MOST_IDLE = 30.0, 8
SILENT_SECONDS, SILENT_PROBES = 10, 3
WRITES = frozenset({"PATCH", "DELETE"})
NOT_CONNECTED = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ProxyError)
"""Errors before anything was sent."""
ERRORS = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, *NOT_CONNECTED)


class Sent:
    """Whether an exchange got as far as sending something; httpcore's tracing tells."""

    def __init__(self) -> None:
        self.any = False

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        self.any = self.any or event == "http11.send_request_headers.started"


class Exchange:
    """One answer on a connection that is its own until `close`."""

    def __init__(self, wire: "Wire", connection: Any, response: httpcore.Response) -> None:
        self._wire, self._connection = wire, connection
        self.response = response
        self.status = response.status

    def header(self, name: str) -> str | None:
        """The header of that name, None when it is not there."""
        return header(self.response, name.lower().encode()) or None

    async def parts(self, seconds: float) -> AsyncIterator[bytes]:
        """The body as it comes, for so many seconds at most. Raises TimeoutError, httpcore's errors."""
        ends = asyncio.get_running_loop().time() + seconds
        stream = self.response.aiter_stream()
        while True:
            try:
                async with asyncio.timeout_at(ends):
                    part = await anext(stream)
            except StopAsyncIteration:
                return
            yield part

    def notice_silence(self) -> None:
        """Have the kernel probe an idle watch: a path that silently swallows it must not look like a quiet cluster."""
        found = self.response.extensions["network_stream"].get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, SILENT_SECONDS)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, SILENT_SECONDS // 2)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, SILENT_PROBES)

    async def close(self) -> None:
        """Give the connection back; one whose answer was not read to its end is closed."""
        with contextlib.suppress(*ERRORS, OSError):
            await self.response.aclose()
        await self._wire.give_back(self._connection)


class Wire:
    """Connections to one server as one identity. Every exchange has one alone: a watch keeps nobody waiting."""

    def __init__(self, where: Target, shown: Identity) -> None:
        """Raises OSError, ssl.SSLError, ValueError."""
        parts = urlsplit(where.server)
        secure = parts.scheme == "https"
        self.identity = shown
        self._base = parts.path.rstrip("/")
        self._url = httpcore.URL(where.server)
        self._host = parts.netloc.rpartition("@")[2].encode()
        self._pool = _pool(where, _context(where, shown) if secure else plain_context(), secure)
        self._idle: list[Any] = []
        self._open: set[Any] = set()
        self._closed = False

    async def send(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None, sent: Sent | None = None
    ) -> Exchange:
        """One answer. A write has a new connection: on a kept one, that the server closes it might look like a loss.

        Raises httpcore's errors, ConfigError.
        """
        authorization = await self.identity.header()
        headers = headers | ({"Authorization": authorization} if authorization else {})
        made = [(name.encode(), value.encode()) for name, value in headers.items()]
        made += [(b"Host", self._host)] + ([(b"Content-Length", str(len(body)).encode())] if body is not None else [])
        url = httpcore.URL(
            scheme=self._url.scheme, host=self._url.host, port=self._url.port, target=(self._base + path).encode()
        )

        async def ask(connection: Any) -> Exchange:
            limits: dict[str, Any] = {"timeout": {"connect": CONNECT_SECONDS}}
            request = httpcore.Request(
                method, url, headers=made, content=body, extensions=limits | ({"trace": sent} if sent else {})
            )
            self._open.add(connection)
            try:
                return Exchange(self, connection, await connection.handle_async_request(request))
            except BaseException:
                await self._drop(connection)
                raise

        while method not in WRITES and self._idle:
            kept = self._idle.pop()
            if kept.has_expired():
                await self._drop(kept)
                continue
            with contextlib.suppress(httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
                return await ask(kept)  # unless the server closed it at that moment
        return await ask(self._pool.create_connection(url.origin))

    async def give_back(self, connection: Any) -> None:
        """Keep it for the next exchange, where it can be used again."""
        if connection.is_available() and not self._closed and len(self._idle) < MOST_IDLE:
            self._idle.append(connection)
        else:
            await self._drop(connection)

    async def close(self) -> None:
        """Close all connections, those in use too."""
        self._closed = True
        self._idle.clear()
        for connection in list(self._open):
            await self._drop(connection)

    async def _drop(self, connection: Any) -> None:
        self._open.discard(connection)
        with contextlib.suppress(*ERRORS, OSError):
            await connection.aclose()


async def connect(kubeconfig: Path | None, context: str | None) -> Wire:
    """Where the configuration leads; nothing is sent yet. Raises ConfigError."""
    where = await asyncio.to_thread(target, kubeconfig, context)
    try:
        return Wire(where, await identity(where))
    except (OSError, ValueError, LookupError, TypeError) as error:  # ssl.SSLError is an OSError
        place = kubeconfig or ("the default kubeconfig" if context else "in-cluster configuration")
        raise ConfigError(f"{place}: {clean(error, limit=300)}; check 'kubeconfig' and 'context'") from None


def _pool(where: Target, context: ssl.SSLContext, secure: bool) -> httpcore.AsyncConnectionPool:
    """What makes connections; which of them is free is known here, better than httpcore knows it after a timeout."""
    proxy = str(where.cluster.get("proxy-url") or "")
    more: dict[str, Any] = {"ssl_context": context, "keepalive_expiry": IDLE_SECONDS}
    if not secure and not proxy.startswith("https"):
        more["network_backend"] = Streams()
    if not proxy:
        return httpcore.AsyncConnectionPool(**more)
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("'proxy-url' is no http:// or https:// address")
    name = (parts.username or "", parts.password or "") if parts.username else None
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return httpcore.AsyncHTTPProxy(bare, proxy_auth=name, **more)


class _NamedContext(ssl.SSLContext):
    """Checks the server by the name that the kubeconfig gives it, whatever its address; through a proxy too."""

    name: str

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """See ssl.SSLContext."""
        return super().wrap_bio(incoming, outgoing, server_side, self.name, session)


def _context(where: Target, shown: Identity) -> ssl.SSLContext:
    """Trusts as the cluster's entry says, and shows the identity's certificate."""
    named, authority = str(where.cluster.get("tls-server-name") or ""), where.authority()
    context = (_NamedContext if named else ssl.SSLContext)(ssl.PROTOCOL_TLS_CLIENT)
    if isinstance(context, _NamedContext):
        context.name = named
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if where.cluster.get("insecure-skip-tls-verify"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif authority is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cadata=authority)
    if shown.certificate is not None:
        with tempfile.TemporaryDirectory() as folder:  # private to this user, and gone at once
            files = Path(folder, "certificate"), Path(folder, "key")
            for path, content in zip(files, shown.certificate, strict=True):
                path.write_bytes(content)
            context.load_cert_chain(*files, password="")
    return context


async def lines(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a stream, of any length. Raises ValueError past `BODY_LIMIT`."""
    held = bytearray()
    async for part in parts:
        searched = len(held)
        held += part
        while (end := held.find(b"\n", searched)) >= 0:
            yield bytes(held[:end])
            del held[: end + 1]
            searched = 0
        if len(held) > BODY_LIMIT:
            raise ValueError(f"a line of more than {BODY_LIMIT} bytes")
    if held:
        yield bytes(held)
