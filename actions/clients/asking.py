"""One GET as a user's client would send it, over a connection of its own or a kept one.

Proving traffic needs fresh connections (kept ones stay with the old slot), and a witness that asks twenty times a second
must cost next to nothing; so this speaks plain HTTP/1.1 itself. No answer is data, never an exception: total timeout,
bounded head and body, no redirects, no proxies, no credentials but the configured headers.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from actions.model.environment import HttpService, Tls
from actions.model.text import clean

HEAD_LIMIT = 32 * 1024
BODY_LIMIT = 256 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back. `status` None means nothing did; then `error` says why. `seconds` is the whole exchange."""

    status: int | None
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""

    @property
    def good(self) -> bool:
        """A whole answer with a 2xx status."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def words(self) -> str:
        """Status or error, for evidence."""
        return self.error or str(self.status)

    def json(self) -> Any:
        """The body as JSON; None when it is something else."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def version(self, service: HttpService) -> str | None:
        """The version that answered, by header or by field of the body; None when it does not say."""
        named = self.headers.get(service.version_header.lower())
        if named is None:
            content = self.json()
            named = content.get(service.version_field) if isinstance(content, dict) else None
        return clean(named, limit=100) if isinstance(named, str) else None


class _Broken(Exception):
    """The exchange ended early; `stale` when a kept connection had been closed before the request."""

    def __init__(self, reason: str, *, stale: bool = False) -> None:
        super().__init__(reason)
        self.stale = stale


class Asker:
    """Asks one origin. With `keep` one connection is used again and again, and replaced when the server closed it."""

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, tls: Tls | None = None, keep: bool = False
    ) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or (443 if self._secure else 80)
        self._netloc = parts.netloc.rpartition("@")[2]
        self._base = parts.path.rstrip("/")
        self._headers = dict(headers or {})
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        self._keep = keep
        self._kept: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str, timeout: float) -> Answer:
        """One GET within `timeout` seconds. Never raises for what a network or a server may do."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                status, headers, body = await self._exchange(path)
        except TimeoutError:
            return Answer(None, time.monotonic() - started, error=f"no answer within {timeout:g} s")
        except (OSError, _Broken, asyncio.LimitOverrunError, asyncio.IncompleteReadError, ValueError) as error:
            return Answer(None, time.monotonic() - started, error=_words(error))
        return Answer(status, time.monotonic() - started, headers, body)

    def close(self) -> None:
        """Give the kept connection back."""
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None

    async def _exchange(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if self._kept is not None:
            try:
                return await self._once(path, kept=True)
            except _Broken as broken:
                if not broken.stale:
                    raise
        return await self._once(path, kept=False)

    async def _once(self, path: str, *, kept: bool) -> tuple[int, dict[str, str], bytes]:
        reader, writer = self._kept if kept and self._kept else await self._connect()
        self._kept = None
        whole = False
        try:
            lines = [f"GET {self._base}{path} HTTP/1.1", f"Host: {self._netloc}", "Accept: */*"]
            lines += [f"{name}: {value}" for name, value in self._headers.items()]
            lines += [f"Connection: {'keep-alive' if self._keep else 'close'}", "", ""]
            writer.write("\r\n".join(lines).encode("latin-1", "replace"))
            status, headers = await _head(reader, kept)
            body, ended = await _body(reader, status, headers)
            whole = not ended and headers.get("connection", "").lower() != "close"
            return status, headers, body
        except ConnectionError as error:
            raise _Broken(_words(error), stale=kept) from error
        finally:
            if self._keep and whole:
                self._kept = (reader, writer)
            else:
                writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not self._secure:
            return await asyncio.open_connection(self._host, self._port, limit=HEAD_LIMIT)
        if self._context is None:
            self._context = _context(self._tls)
        name = (self._tls.server_name if self._tls else None) or self._host
        return await asyncio.open_connection(
            self._host, self._port, limit=HEAD_LIMIT, ssl=self._context, server_hostname=name
        )


async def _head(reader: asyncio.StreamReader, kept: bool) -> tuple[int, dict[str, str]]:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise _Broken("the connection was closed before an answer", stale=kept and not error.partial) from error
    lines = raw.decode("latin-1").split("\r\n")
    words = lines[0].split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdecimal():
        raise _Broken("the answer is not HTTP")
    fields = (line.partition(":") for line in lines[1:] if line)
    return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in fields}


async def _body(reader: asyncio.StreamReader, status: int, headers: Mapping[str, str]) -> tuple[bytes, bool]:
    """The body, and whether the connection ends with it."""
    if status in (204, 304) or 100 <= status < 200:
        return b"", False
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _chunks(reader), False
    length = headers.get("content-length")
    if length is None:
        content = bytearray()
        while piece := await reader.read(65_536):
            content += piece
            _bounded(len(content))
        return bytes(content), True
    if not length.isdecimal():
        raise _Broken("the answer has no length")
    _bounded(int(length))
    return await reader.readexactly(int(length)), False


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    content = bytearray()
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        _bounded(len(content) + size)
        content += await reader.readexactly(size)
        await reader.readuntil(b"\r\n")
        if size == 0:
            return bytes(content)


def _bounded(size: int) -> None:
    if size > BODY_LIMIT or size < 0:
        raise _Broken(f"the answer is larger than {BODY_LIMIT} bytes")


def _context(tls: Tls | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tls.ca) if tls and tls.ca else None)
    if tls and tls.certificate:
        context.load_cert_chain(str(tls.certificate), str(tls.key) if tls.key else None)
    return context


def _words(error: BaseException) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, asyncio.IncompleteReadError):
        return "the answer was cut short"
    return clean(str(error) or type(error).__name__, limit=200)
