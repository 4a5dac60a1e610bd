"""HTTP/1.1 on asyncio streams, as much as a proxy and a load generator need: heads, framing, streamed bodies."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

HEAD_LIMIT = 64 * 1024
PIECE = 64 * 1024
HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"te", b"upgrade", b"expect"}
)
UNTIL_CLOSE = -1
CHUNKED = -2


class ProtocolError(Exception):
    """The other side does not speak HTTP/1.1 as expected."""


@dataclass(frozen=True, slots=True)
class Head:
    """First line and headers; header names in lower case."""

    words: tuple[bytes, bytes, bytes]
    headers: tuple[tuple[bytes, bytes], ...]

    def get(self, name: bytes) -> bytes | None:
        """The value of a header, None when absent."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may be used again, as far as this head says."""
        tokens = (self.get(b"connection") or b"").lower()
        version = self.words[0] if self.words[0].startswith(b"HTTP/") else self.words[2]
        return b"close" not in tokens and (version == b"HTTP/1.1" or b"keep-alive" in tokens)

    @property
    def status(self) -> int:
        """The status of an answer. Raises ProtocolError."""
        if not self.words[1].isdigit():
            raise ProtocolError("an answer without a status")
        return int(self.words[1])

    def body(self, *, otherwise: int) -> int:
        """Length of the body: bytes, CHUNKED, or `otherwise` when no header says. Raises ProtocolError."""
        lengths = {value for key, value in self.headers if key == b"content-length"}
        if self.get(b"transfer-encoding") is not None:
            if lengths or (self.get(b"transfer-encoding") or b"").lower() != b"chunked":
                raise ProtocolError("contradictory framing")
            return CHUNKED
        if not lengths:
            return otherwise
        length = lengths.pop()
        if lengths or not length.isdigit():
            raise ProtocolError("contradictory Content-Length")
        return int(length)


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next head, None when the connection ended before one. Raises ProtocolError."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ProtocolError("the connection ended within a head") from None
        return None
    except asyncio.LimitOverrunError:
        raise ProtocolError("the head is too large") from None
    lines = raw[:-4].split(b"\r\n")
    words = lines[0].split(b" ", 2)
    if len(words) == 2 and words[0].startswith(b"HTTP/"):
        words.append(b"")
    if len(words) != 3:
        raise ProtocolError("not an HTTP head")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise ProtocolError("a malformed header")
        headers.append((name.lower(), value.strip()))
    return Head((words[0], words[1], words[2]), tuple(headers))


def write_head(head: Head, extra: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head for the next hop: hop-by-hop headers dropped, `extra` replacing headers of the same name."""
    added = tuple(extra)
    replaced = HOP_BY_HOP | {name for name, _ in added}
    kept = (pair for pair in head.headers if pair[0] not in replaced)
    lines = [b" ".join(head.words), *(name + b": " + value for name, value in (*kept, *added))]
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def pass_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
    """Pass a body on piece by piece, no faster than it is taken. Raises ProtocolError when it ends too early."""
    try:
        if length == CHUNKED:
            await _pass_chunks(reader, writer)
            return
        while length != 0:
            piece = await reader.read(PIECE if length == UNTIL_CLOSE else min(PIECE, length))
            if not piece:
                if length == UNTIL_CLOSE:
                    return
                raise ProtocolError("the body ended too early")
            writer.write(piece)
            await writer.drain()
            length -= len(piece) if length > 0 else 0
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise ProtocolError("the body ended too early") from error


async def _pass_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        line = await reader.readuntil(b"\r\n")
        try:
            left = int(line.split(b";")[0].strip(), 16)
        except ValueError:
            raise ProtocolError("a malformed chunk") from None
        writer.write(line)
        if left == 0:
            break
        left += 2
        while left:
            piece = await reader.readexactly(min(PIECE, left))
            writer.write(piece)
            await writer.drain()
            left -= len(piece)
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        writer.write(line)
    writer.write(line)
    await writer.drain()
