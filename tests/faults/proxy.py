"""A fault proxy between a client and a real server: latency, drip, cut, reset, blackhole.

Both sides may be TCP (`("127.0.0.1", 6379)`) or a unix socket (`Path("/run/x.sock")`). Names of the faults follow
toxiproxy. Each direction has its own faults, changeable while connections are open; byte counts run per connection.

    async with FaultProxy(("127.0.0.1", 6379)) as proxy:
        client = connect("127.0.0.1", proxy.port)
        proxy.down.limit_data = 0            # the server applies the command; its reply is lost, then the end of stream
        ...
        assert proxy.seen_up.count(b"INCR") == 1
"""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

Address = tuple[str, int] | Path


@dataclass
class Faults:
    """Faults of one direction. Bytes are counted per connection."""

    latency: float = 0.0
    """Seconds each chunk is held back."""
    bandwidth: float | None = None
    """Bytes a second; a small number is a drip of single bytes."""
    limit_data: int | None = None
    """Pass this many bytes, then close both sides in an orderly way."""
    reset_peer: int | None = None
    """Pass this many bytes, then reset both sides."""
    blackhole: bool = False
    """Swallow everything; the connection stays open and silent (toxiproxy: timeout)."""

    def clear(self) -> None:
        """Back to a clean wire."""
        self.__init__()  # type: ignore[misc]


class FaultProxy:
    """Forwards connections to `target` under the faults in `up` (to the server) and `down` (to the client)."""

    def __init__(self, target: Address, *, listen: Path | None = None) -> None:
        self.target = target
        self.listen = listen
        self.up = Faults()
        self.down = Faults()
        self.seen_up = bytearray()
        self.seen_down = bytearray()
        self.accepted = 0
        self.changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._links: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """The port to connect to instead of the server's."""
        return self._port

    @property
    def url(self) -> str:
        """`http://` address of the proxy."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> "FaultProxy":
        await self.accept()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()
        self.drop()
        for task in list(self._links):
            task.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def accept(self) -> None:
        """Listen (again), on the same port as before."""
        if self.listen is not None:
            self._server = await asyncio.start_unix_server(self._serve, self.listen)
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Stop listening: new connections are refused; open ones stay."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self.listen is not None:
            self.listen.unlink(missing_ok=True)

    def drop(self, *, reset: bool = False) -> None:
        """Close every open connection now."""
        for writer in list(self._writers):
            _close(writer, reset=reset)

    async def until_up(self, payload: bytes, seconds: float = 10.0) -> None:
        """Wait until the client has sent `payload` (and it was passed on or swallowed)."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(lambda: payload in self.seen_up)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        self._writers.add(writer)
        far: asyncio.StreamWriter | None = None
        try:
            far_reader, far = await self._connect()
            self._writers.add(far)
            pumps = {
                asyncio.ensure_future(self._pump(reader, far, self.up, self.seen_up)),
                asyncio.ensure_future(self._pump(far_reader, writer, self.down, self.seen_down)),
            }
            try:
                done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                reset = any(not one.cancelled() and one.exception() is None and one.result() == "reset" for one in done)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
            _close(writer, reset=reset)
            _close(far, reset=reset)
        except OSError:
            _close(writer, reset=True)  # the server behind is gone: the client sees a reset
        finally:
            self._links.discard(task)
            for one in (writer, far):
                if one is not None:
                    self._writers.discard(one)
                    _close(one)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection(*self.target)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, faults: Faults, seen: bytearray
    ) -> str:
        passed = 0
        while True:
            try:
                chunk = await reader.read(65_536)
            except OSError:
                return "reset"
            if not chunk:
                return "closed"
            async with self.changed:
                seen += chunk
                self.changed.notify_all()
            if faults.latency:
                await asyncio.sleep(faults.latency)
            if faults.blackhole:
                continue
            end = ""
            for limit, kind in ((faults.reset_peer, "reset"), (faults.limit_data, "closed")):
                if limit is not None and passed + len(chunk) >= limit:
                    chunk, end = chunk[: max(0, limit - passed)], kind
            await _write(writer, chunk, faults)
            passed += len(chunk)
            if end:
                return end


async def _write(writer: asyncio.StreamWriter, chunk: bytes, faults: Faults) -> None:
    if not faults.bandwidth:
        writer.write(chunk)
        await writer.drain()
        return
    piece = max(1, int(faults.bandwidth / 20))
    for start in range(0, len(chunk), piece):
        writer.write(chunk[start : start + piece])
        await writer.drain()
        await asyncio.sleep(piece / faults.bandwidth)


def _close(writer: asyncio.StreamWriter, *, reset: bool = False) -> None:
    if reset:
        wire = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
