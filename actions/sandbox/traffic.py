"""Steady traffic of users through the router: `python -m actions.sandbox.traffic DIR RATE`.

Reads, and writes that carry a unique token each. What was acknowledged is remembered, so that lost requests and lost
data are counted, not guessed. Answers on loopback: `GET /state?since=T`, `GET /audit?since=T`, `GET /notices`,
`POST /notices/<channel>`. No request is ever sent twice.
"""

import asyncio
import itertools
import json
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.platforms.local.httpd import HttpError, Request, bind_loopback, serve
from actions.sandbox.http1 import CHUNKED, HEAD_LIMIT, Head, ProtocolError, read_head
from actions.sandbox.layout import Layout
from actions.sandbox.notices_sink import NoticesSink
from actions.sandbox.traffic_audit import audit
from actions.sandbox.traffic_record import Acknowledged, TrafficRecord

QUEUES = ("passports", "vaccination", "permits", "tax", "housing", "libraries", "parking", "schools")
USERS = 1_000
REQUEST_SECONDS = 5.0
MOST_IN_FLIGHT = 300
REUSE_SECONDS = 30.0
BODY_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """One request to send; `token` marks a write."""

    method: str
    path: str
    user: str
    body: dict[str, str] | None = None

    @property
    def token(self) -> str | None:
        """The unique token of a write."""
        return self.body["token"] if self.body else None


def calls(series: str) -> Iterator[Call]:
    """The endless mix: seven reads, three writes; as many are served as join, so queues stay short."""
    for number in itertools.count():
        queue = QUEUES[number // 10 % len(QUEUES)]
        token = f"{series}-{number}"
        user = f"user-{number // 10 % USERS}"
        match number % 10:
            case 1:
                body = {"action": "join", "queue": queue, "user": user, "token": token}
                yield Call("POST", "/api/sessions", user, body)
            case 4 if number > 1_000:
                yield Call("POST", "/api/sessions", user, {"action": "serve", "queue": queue, "token": token})
            case 7:
                yield Call("POST", "/api/users", user, {"name": user, "token": token})
            case 2 | 8:
                yield Call("GET", "/api/sessions?limit=10", user)
            case 5:
                yield Call("GET", "/api/users?limit=10", user)
            case _:
                yield Call("GET", "/api/queues", user)


class Users:
    """Sends calls at a steady pace, whether or not earlier ones were answered."""

    def __init__(self, port: int, record: TrafficRecord, acknowledged: Acknowledged) -> None:
        self._port = port
        self._record = record
        self._acknowledged = acknowledged
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """Requests without an answer yet."""
        return len(self._tasks)

    async def send(self, rate: float) -> None:
        """Send `rate` calls a second until cancelled."""
        due = time.monotonic()
        for call in calls(secrets.token_hex(6)):
            due = max(due + 1 / rate, time.monotonic() - 1)  # after a stall catch up with a second at most
            await asyncio.sleep(due - time.monotonic())
            if len(self._tasks) >= MOST_IN_FLIGHT:
                self._record.failed(0, "", f"not sent: {MOST_IN_FLIGHT} requests wait for an answer", call.user)
                continue
            task = asyncio.create_task(self._one(call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _one(self, call: Call) -> None:
        began = time.monotonic()
        version = ""
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await self._exchange(call)
            version = (head.get(b"x-version") or b"").decode("latin-1")
            reason = "" if head.status < 400 else f"answered {head.status}"
        except TimeoutError:
            reason = f"no answer within {REQUEST_SECONDS:g} s"
        except (OSError, ProtocolError, asyncio.IncompleteReadError) as error:
            reason = f"no answer: {error}"
        if reason:
            what = f"{call.method} {call.path.partition('?')[0]} {reason}"
            self._record.failed(time.monotonic() - began, version, what, call.user)
            return
        if call.token is not None:
            self._acknowledged.add(call.token)
        self._record.succeeded(time.monotonic() - began, version, write=call.token is not None)

    async def _exchange(self, call: Call) -> Head:
        reader, writer = await self._connection()
        whole = False
        try:
            body = json.dumps(call.body).encode() if call.body else b""
            writer.write(
                f"{call.method} {call.path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            head = await read_head(reader)
            if head is None:
                raise ProtocolError("the connection was closed")
            length = head.body(otherwise=0)
            if length == CHUNKED or length > BODY_LIMIT:
                raise ProtocolError("an unexpected body")
            await reader.readexactly(length)
            whole = head.keep_alive
            return head
        finally:
            if whole:
                self._idle.append((time.monotonic(), reader, writer))
            else:
                writer.close()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            used, reader, writer = self._idle.pop()
            if time.monotonic() - used < REUSE_SECONDS and not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port, limit=HEAD_LIMIT)


class Witness:
    """The process: users, their record, and the answers about it."""

    def __init__(self, layout: Layout, rate: float) -> None:
        self._layout = layout
        self._rate = rate
        self._record = TrafficRecord()
        self._acknowledged = Acknowledged(layout.traffic / "acknowledged.log")
        self._users = Users(layout.ports().router, self._record, self._acknowledged)
        self._sink = NoticesSink(layout.notices)

    async def answer(self, request: Request) -> Any:
        """Route one request."""
        words = request.path.strip("/").split("/")
        match (request.method, *words):
            case ("GET", "state"):
                state = self._record.state(_since(request), sending=self._rate > 0)
                started = round(self._record.started_at, 3)
                return {"rate": self._rate, "started_at": started, "in_flight": self._users.in_flight, **state}
            case ("GET", "audit"):
                return await asyncio.to_thread(audit, self._layout, self._acknowledged, _since(request) or 0.0)
            case ("GET", "notices"):
                return self._sink.newest()
            case ("POST", "notices"):
                return self._sink.receive("default", request.body)
            case ("POST", "notices", channel):
                return self._sink.receive(channel, request.body)
        raise HttpError(404, "traffic answers GET /state, /audit, /notices and POST /notices/<channel>")

    async def run(self) -> None:
        """Until told to end."""
        ending = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ending.set)
        server = await serve(bind_loopback(self._layout.ports().traffic), self.answer)
        sending = asyncio.create_task(self._users.send(self._rate)) if self._rate > 0 else None
        while not ending.is_set():
            await asyncio.to_thread(self._acknowledged.sync)
            self._acknowledged.rotate()
            if sending is not None and sending.done():
                sending.result()  # a fault of this program ends it, and the supervisor says so
            try:
                await asyncio.wait_for(ending.wait(), 1)
            except TimeoutError:
                continue
        server.close()


def _since(request: Request) -> float | None:
    text = request.query.get("since")
    try:
        return None if text is None else float(text)
    except ValueError:
        raise HttpError(400, "'since' is a time in seconds since the epoch") from None


if __name__ == "__main__":
    asyncio.run(Witness(Layout(Path(sys.argv[1])), float(sys.argv[2])).run())
