"""A very small HTTP server for helper processes: JSON in, JSON out, one request a connection, everything bounded."""

import asyncio
import json
import os
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from actions.clients.local_socket import reachable

HEAD_LIMIT = 16 * 1024
BODY_LIMIT = 1024 * 1024
READ_SECONDS = 10.0
_REASONS = {200: "OK", 202: "Accepted", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}


@dataclass(frozen=True)
class Request:
    """One request: decoded path, query and JSON body (None when there is none)."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None


class HttpError(Exception):
    """Answer with this status and one line of text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


Handler = Callable[[Request], Awaitable[Any]]


def bind_unix(path: Path) -> socket.socket:
    """A listening unix socket at `path` with mode 0600, replacing a left-over file. Long paths work."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path.unlink(missing_ok=True)
    mask = os.umask(0o177)
    try:
        with reachable(path) as name:
            listener.bind(name)
    finally:
        os.umask(mask)
    listener.listen(128)
    listener.setblocking(False)
    return listener


def bind_loopback(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1; port 0 lets the kernel choose. Raises OSError when the port is taken."""
    # The protocol is named because asyncio switches Nagle's delay off only on sockets that name it.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(512)
    listener.setblocking(False)
    return listener


async def serve(listener: socket.socket, handler: Handler) -> asyncio.Server:
    """Answer requests on `listener` with `handler`, which returns what becomes JSON or raises HttpError."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(await _answer(reader, handler))
            await asyncio.wait_for(writer.drain(), READ_SECONDS)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return  # the caller went away; there is nobody left to tell
        finally:
            writer.close()

    return await asyncio.start_server(connected, sock=listener, limit=HEAD_LIMIT)


async def _answer(reader: asyncio.StreamReader, handler: Handler) -> bytes:
    try:
        request = await asyncio.wait_for(_read(reader), READ_SECONDS)
        if request.method == "GET" and reader.at_eof():
            return b""  # its caller has given up waiting: on a busy host answering it would only delay the others
        return _encode(200, await handler(request))
    except HttpError as error:
        return _encode(error.status, {"error": str(error)})
    except (asyncio.IncompleteReadError, OSError, TimeoutError):
        raise
    except Exception as error:  # noqa: BLE001 - a fault of one request must not end the server
        traceback.print_exc(file=sys.stderr)
        return _encode(500, {"error": f"{type(error).__name__}: {error}"})


async def _read(reader: asyncio.StreamReader) -> Request:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise HttpError(431, "the head of the request is too large") from None
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3:
        raise HttpError(400, "not an HTTP request")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > BODY_LIMIT or "transfer-encoding" in headers:
        raise HttpError(413, f"a body needs a Content-Length of at most {BODY_LIMIT} bytes")
    raw = await reader.readexactly(int(length))
    try:
        body = json.loads(raw) if raw else None
    except ValueError:
        raise HttpError(400, "the body is not JSON") from None
    target = urlsplit(words[1])
    return Request(words[0], unquote(target.path), dict(parse_qsl(target.query)), body)


def _encode(status: int, payload: Any) -> bytes:
    body = json.dumps(payload).encode()
    head = (
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
