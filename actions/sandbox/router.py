"""The router of the embedded stack: a streaming reverse proxy that gives each request to one colour.

`python -m actions.sandbox.router DIR PORT`: serves on 127.0.0.1:PORT, is steered over `DIR/router.sock` (GET and PUT
`/state`), keeps its table in `DIR/router.json`. A request finishes on the colour it was given to, whatever changes
meanwhile. Nothing is sent twice, except a read whose reused connection turned out to be closed.
"""

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.platforms.local.httpd import HttpError, Request, bind_loopback, bind_unix, serve
from actions.sandbox.http1 import (
    HEAD_LIMIT,
    UNTIL_CLOSE,
    Head,
    ProtocolError,
    pass_body,
    read_head,
    write_head,
)
from actions.sandbox.router_table import RouterTable

SOCKET = "router.sock"
TABLE = "router.json"
IDLE_SECONDS = 75.0
REUSE_SECONDS = 20.0  # well below the keep-alive of the targets, so that a reused connection is rarely a dead one
CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 30.0
DRAIN_SECONDS = 5.0


@dataclass(slots=True)
class Connection:
    """One connection to a target."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used: float = 0.0

    @property
    def reused(self) -> bool:
        """Whether it carried a request before."""
        return self.used > 0


class Router:
    """Takes requests and passes them on."""

    def __init__(self, table: RouterTable) -> None:
        self.table = table
        self.idle = asyncio.Event()
        self.idle.set()
        self._idle: dict[str, list[Connection]] = defaultdict(list)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection, request after request."""
        try:
            while True:
                async with asyncio.timeout(IDLE_SECONDS):
                    head = await read_head(reader)
                if head is None or not await self._request(head, reader, writer):
                    return
        except (OSError, TimeoutError, ProtocolError):
            return  # the client went away or does not speak HTTP: its connection is closed
        finally:
            writer.close()

    async def _request(self, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        colour = self.table.choose()
        generation = self.table.generation.encode()
        began = time.monotonic()
        self.table.requests[colour] += 1
        self.table.in_flight[colour] += 1
        self.idle.clear()
        exchange = Exchange(self, colour, generation, head, reader, writer)
        try:
            return await exchange.run()
        finally:
            self.table.in_flight[colour] -= 1
            if not any(self.table.in_flight.values()):
                self.idle.set()
            self.table.seconds[colour] += time.monotonic() - began
            if exchange.failed:
                self.table.errors[colour] += 1

    async def connection(self, colour: str, *, fresh: bool) -> Connection:
        """A connection to a target, an idle one where possible. Raises OSError or TimeoutError."""
        idle = self._idle[colour]
        while idle and not fresh:
            candidate = idle.pop()
            if time.monotonic() - candidate.used < REUSE_SECONDS and not candidate.reader.at_eof():
                return candidate
            candidate.writer.close()
        host, _, port = self.table.targets[colour].rpartition(":")
        async with asyncio.timeout(CONNECT_SECONDS):
            return Connection(*await asyncio.open_connection(host, int(port), limit=HEAD_LIMIT))

    def give_back(self, colour: str, connection: Connection) -> None:
        """Keep a connection for the next request."""
        connection.used = time.monotonic()
        self._idle[colour].append(connection)


class Exchange:
    """One request and its answer. `failed` is true until an answer below 500 was passed on whole."""

    def __init__(
        self,
        router: Router,
        colour: str,
        generation: bytes,
        head: Head,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._router = router
        self._colour = colour
        self._generation = generation
        self._head = head
        self._reader = reader
        self._writer = writer
        self.failed = True

    async def run(self) -> bool:
        """Pass the request on and the answer back; true when the client's connection may carry another request."""
        try:
            length = self._head.body(otherwise=0)
        except ProtocolError as error:
            return await self._refuse(400, str(error))
        repeatable = length == 0 and self._head.words[0] in (b"GET", b"HEAD")
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                connection, answer = await self._ask(length, repeatable)
        except TimeoutError:
            return await self._refuse(504, f"{self._colour} gave no answer in time")
        except (OSError, ProtocolError) as error:
            return await self._refuse(502, f"{self._colour} gave no answer: {error}")
        return await self._pass_back(connection, answer)

    async def _ask(self, length: int, repeatable: bool) -> tuple[Connection, Head]:
        connection = await self._router.connection(self._colour, fresh=False)
        try:
            return connection, await self._send(connection, length)
        except (OSError, ProtocolError):
            connection.writer.close()
            if not (repeatable and connection.reused):
                raise
        connection = await self._router.connection(self._colour, fresh=True)
        try:
            return connection, await self._send(connection, length)
        except (OSError, ProtocolError):
            connection.writer.close()
            raise

    async def _send(self, connection: Connection, length: int) -> Head:
        try:
            if (self._head.get(b"expect") or b"").lower() == b"100-continue":
                self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.writer.write(write_head(self._head, [(b"x-forwarded-for", b"127.0.0.1")]))
            await pass_body(self._reader, connection.writer, length)
            await connection.writer.drain()
            while True:
                answer = await read_head(connection.reader)
                if answer is None:
                    raise ProtocolError("the connection was closed")
                if answer.status >= 200:
                    return answer
        except asyncio.CancelledError:
            connection.writer.close()
            raise

    async def _pass_back(self, connection: Connection, answer: Head) -> bool:
        whole = False
        try:
            bodiless = self._head.words[0] == b"HEAD" or answer.status in (204, 304)
            length = 0 if bodiless else answer.body(otherwise=UNTIL_CLOSE)
            keep = self._head.keep_alive and length != UNTIL_CLOSE
            extra = [(b"x-generation", self._generation), (b"connection", b"keep-alive" if keep else b"close")]
            self._writer.write(write_head(answer, extra))
            await pass_body(connection.reader, self._writer, length)
            await self._writer.drain()
            whole = True
            self.failed = answer.status >= 500
        finally:
            if whole and answer.keep_alive and length != UNTIL_CLOSE:
                self._router.give_back(self._colour, connection)
            else:
                connection.writer.close()
        return keep

    async def _refuse(self, status: int, message: str) -> bool:
        body = json.dumps({"error": message, "colour": self._colour}).encode()
        self._writer.write(
            b"HTTP/1.1 %d Error\r\ncontent-type: application/json\r\ncontent-length: %d\r\nx-generation: %b\r\n"
            b"connection: close\r\n\r\n" % (status, len(body), self._generation)
        )
        self._writer.write(body)
        await self._writer.drain()
        return False


async def _admin(table: RouterTable, request: Request) -> Any:
    match (request.method, request.path):
        case ("GET", "/state"):
            return table.state()
        case ("PUT", "/state"):
            table.change(request.body)
            return table.state()
    raise HttpError(404, "the router answers GET and PUT /state")


async def _run(directory: Path, port: int) -> None:
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    table = RouterTable(directory / TABLE)
    router = Router(table)
    public = await asyncio.start_server(router.connected, sock=bind_loopback(port), limit=HEAD_LIMIT)
    admin = await serve(bind_unix(directory / SOCKET), lambda request: _admin(table, request))
    await ending.wait()
    public.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(router.idle.wait(), DRAIN_SECONDS)
    admin.close()
    (directory / SOCKET).unlink(missing_ok=True)


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1]), int(sys.argv[2])))
