"""A real HTTP server that behaves as badly as a test asks for, one behaviour a path."""

import asyncio
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HOSTILE = "a\x1b]0;owned\x07b\x1b[31mc\x9b2Jd\u202ee\x00f[/]g[@click=app.quit()]h"
"""Escape, OSC, C1, bidi, NUL and markup, as row 53 lists them."""


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]


@dataclass
class BadServer:
    """Where it listens, what it was asked, and how many connections it took."""

    port: int = 0
    secure: bool = False
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    answers: dict[str, Callable[[], bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}"

    def asked(self, path: str) -> int:
        return sum(1 for one in self.requests if one.path == path)


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body


def bomb(decoded: int) -> bytes:
    coder = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    zeros = bytes(1024 * 1024)
    return b"".join(coder.compress(zeros) for _ in range(decoded // len(zeros))) + coder.flush()


@asynccontextmanager
async def bad_server(context: ssl.SSLContext | None = None) -> AsyncIterator[BadServer]:
    server = BadServer(secure=context is not None)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.connections += 1
        try:
            while await _one(server, reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, which is its right; or the test is over
        finally:
            tasks.discard(task)
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _one(server: BadServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    await reader.readexactly(int(headers.get("content-length", "0")))
    server.requests.append(Request(method, path, headers))
    if path in server.answers:
        writer.write(server.answers[path]())
    elif path == "/drip":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)
    elif path == "/drip-head":
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: more\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)
    elif path == "/silence":
        await asyncio.sleep(3600)
    elif path == "/endless":
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b"y" * 65536)
            await writer.drain()
    elif path == "/close-after":
        writer.write(answer(b"ok"))
        return False
    elif path == "/half":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        await writer.drain()
        return False
    elif path == "/nothing":
        return False
    else:
        writer.write(_FIXED.get(path, answer(b"not here", "404 Not Found")))
    await writer.drain()
    return True


_FIXED = {
    "/health": answer(b'{"status":"ok","version":"2.4.1"}', X_Version="2.4.1"),
    "/large": answer(b"z" * 10_000_000),
    "/bomb": answer(bomb(50 * 1024 * 1024), Content_Encoding="gzip"),
    "/deflated": answer(zlib.compress(b"deflated"), Content_Encoding="deflate"),
    "/zipped": answer(gzip.compress(b'{"status":"ok"}'), Content_Encoding="gzip"),
    "/torn": answer(gzip.compress(b'{"status":"ok"}' * 100)[:-20], Content_Encoding="gzip"),
    "/not-gzip": answer(b"plain text", Content_Encoding="gzip"),
    "/brotli": answer(b"whatever", Content_Encoding="br"),
    "/metadata": answer(b"", "302 Found", Location="http://169.254.169.254/latest/meta-data/"),
    "/elsewhere": answer(b"", "307 Temporary Redirect", Location="http://127.0.0.1:1/health"),
    "/hostile": answer(HOSTILE.encode(), X_Version="1\x1b]0;x\x07\u202e2".encode().decode("latin-1")),
    "/garbage": b"\x00\x01\x02 this is not HTTP at all\r\n\r\n",
    "/many-headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100_000 + b"\r\n",
    "/deep": answer(b"[" * 100_000),
    "/error": answer(b"no", "500 Internal Server Error"),
}
