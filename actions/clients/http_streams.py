"""TCP below httpcore by asyncio's own transports: with its default, anyio, an exchange costs a quarter more.

Only for plain HTTP. Over TLS the default stays: there it reads a refusal of the other side that asyncio loses.
"""

import asyncio
import select
from collections.abc import Iterable
from typing import Any

import httpcore

from actions.clients.names import is_address

READ_AHEAD = 256 * 1024
"""So many unread bytes are taken before the other side has to wait."""

NEXT_ADDRESS_SECONDS = 0.25
"""Where a name has several addresses, the next one is tried beside one that is silent so long."""


class Streams(httpcore.AsyncNetworkBackend):
    """Opens connections for a pool of httpcore."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises httpcore.ConnectTimeout, httpcore.ConnectError."""
        delay = None if is_address(host) else NEXT_ADDRESS_SECONDS
        source = None if local_address is None else (local_address, 0)
        try:
            async with asyncio.timeout(timeout):
                _, stream = await asyncio.get_running_loop().create_connection(
                    Stream, host, port, happy_eyeballs_delay=delay, local_addr=source
                )
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"no connection within {timeout} s") from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        return stream


class Stream(httpcore.AsyncNetworkStream, asyncio.Protocol):
    """One connection; read and written by one task at a time, as httpcore does."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._unread = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._unread += data
        if len(self._unread) > READ_AHEAD:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """The other side sends no more; the transport closes itself."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._ended, self._error = True, exc
        self._wake()

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._full = True

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._full = False
        self._wake()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has come, nothing at the end. Raises httpcore.ReadTimeout, httpcore.ReadError."""
        try:
            async with asyncio.timeout(timeout):
                while not self._unread and not self._ended:
                    await self._wait()
        except TimeoutError as error:
            raise httpcore.ReadTimeout(f"nothing within {timeout} s") from error
        if not self._unread and self._error is not None:
            raise httpcore.ReadError(str(self._error)) from self._error
        taken = bytes(self._unread[:max_bytes])
        del self._unread[:max_bytes]
        if not self._ended and len(self._unread) <= READ_AHEAD and not self._transport.is_reading():
            self._transport.resume_reading()
        return taken

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Raises httpcore.WriteTimeout, httpcore.WriteError."""
        if self._ended or self._transport.is_closing():
            raise httpcore.WriteError(str(self._error or "the connection is closed")) from self._error
        self._transport.write(buffer)
        try:
            async with asyncio.timeout(timeout):
                while self._full and not self._ended:
                    await self._wait()
        except TimeoutError as error:
            raise httpcore.WriteTimeout(f"not taken within {timeout} s") from error
        if self._full:
            raise httpcore.WriteError(str(self._error or "the connection was closed")) from self._error

    async def aclose(self) -> None:
        """At once: an answer is complete by now, or not wanted."""
        self._transport.abort()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks for; `is_readable` while idle means that the connection is of no more use."""
        if info == "is_readable":
            return self._ended or bool(self._unread) or self._something_came()
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._transport.get_extra_info(names.get(info, info))

    def _something_came(self) -> bool:
        """Whether the kernel holds what the loop has not come to yet."""
        waiting = select.poll()
        waiting.register(self._transport.get_extra_info("socket"), select.POLLIN)
        return bool(waiting.poll(0))

    async def _wait(self) -> None:
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
