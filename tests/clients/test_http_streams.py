"""Plain connections below httpcore: what comes uninvited, in bulk, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpcore
import pytest

from actions.clients.http import BODY_LIMIT, HttpReader
from actions.clients.http_streams import READ_AHEAD, Stream, Streams
from actions.model.waiting import Deadline, until

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def test_what_is_said_uninvited_is_never_taken_for_an_answer() -> None:
    """Servers that are tired of waiting say 408 before they close."""
    read, said, taken = asyncio.Event(), asyncio.Event(), []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer(b"good"))
        await writer.drain()
        if len(taken) == 1:
            await read.wait()
            writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            said.set()
        await reader.read()
        writer.close()

    async with listening(serve) as port:
        reader = HttpReader(f"http://127.0.0.1:{port}")
        assert (await reader.get("/")).body == b"good"
        read.set()
        await said.wait()
        assert (await reader.get("/")).body == b"good"
        await reader.close()
    assert len(taken) == 2


async def test_a_flood_waits_until_it_is_read() -> None:
    size = 50 * READ_AHEAD
    sent: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(50):
            writer.write(bytes(READ_AHEAD))
            await writer.drain()
            sent.append(READ_AHEAD)
        writer.close()

    async with listening(serve) as port:
        stream = await Streams().connect_tcp("127.0.0.1", port)
        assert isinstance(stream, Stream)

        async def held() -> bool:
            return stream.get_extra_info("is_readable") and not stream._transport.is_reading()

        await until(held, bool, Deadline(10), str)
        assert sum(sent) < size
        got = 0
        while piece := await stream.read(65_536):
            got += len(piece)
        await stream.aclose()
    assert got == size


async def test_a_whole_large_answer_is_read() -> None:
    body = bytes(BODY_LIMIT)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(body))
        await writer.drain()
        writer.close()

    async with listening(serve) as port:
        reader = HttpReader(f"http://127.0.0.1:{port}", timeout=10)
        assert (await reader.get("/")).body == body
        await reader.close()


async def test_limits_of_its_own_are_kept() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # takes all, says nothing
        writer.close()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await left.wait()
        writer.close()

    left = asyncio.Event()
    async with listening(serve) as port:
        stream = await Streams().connect_tcp("127.0.0.1", port)
        with pytest.raises(httpcore.ReadTimeout):
            await stream.read(10, timeout=0.05)
        await stream.aclose()
        with pytest.raises(httpcore.WriteError):
            await stream.write(b"more")
    async with listening(deaf) as port:
        stream = await Streams().connect_tcp("127.0.0.1", port)
        with pytest.raises(httpcore.WriteTimeout):
            await stream.write(bytes(64 * 1024 * 1024), timeout=0.05)
        await stream.aclose()
        left.set()
    with pytest.raises(httpcore.ConnectError):
        await Streams().connect_tcp("127.0.0.1", port)
