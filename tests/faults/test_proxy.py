"""The fault proxy does what its names say, or every test built on it proves nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.faults.proxy import FaultProxy


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(100):
        writer.write(chunk)
        await writer.drain()
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with FaultProxy(server.sockets[0].getsockname()[:2]) as one:
        yield one
    server.close()


async def test_clean_wire_passes_everything(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    assert proxy.seen_up == b"hello" and proxy.seen_down == b"hello" and proxy.accepted == 1
    writer.close()


async def test_limit_cuts_the_reply_after_the_server_had_the_request(proxy: FaultProxy) -> None:
    proxy.down.limit_data = 2
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    assert await reader.read(-1) == b"he"
    assert proxy.seen_up == b"hello"
    writer.close()


async def test_reset_is_a_reset(proxy: FaultProxy) -> None:
    proxy.down.reset_peer = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    writer.close()


async def test_blackhole_is_silent_and_open(proxy: FaultProxy) -> None:
    proxy.down.blackhole = True
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    await proxy.until_up(b"hello")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.2)
    proxy.down.blackhole = False
    writer.write(b"again")
    assert await reader.readexactly(5) == b"again"
    writer.close()


async def test_drip_gives_single_bytes(proxy: FaultProxy) -> None:
    proxy.down.bandwidth = 20
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    assert await reader.read(100) == b"h"
    writer.close()


async def test_refused_and_accepted_again_on_the_same_port(proxy: FaultProxy) -> None:
    port = proxy.port
    await proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    await proxy.accept()
    assert proxy.port == port
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
