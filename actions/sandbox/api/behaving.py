"""How a release behaves around every request: version and colour in each answer, and the faults of a bad release."""

import asyncio
import os
import sys
import time
from collections import deque
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actions.sandbox.release_files import Behaviour

WINDOW_SECONDS = 10


class Tally:
    """Requests of this process: totals by status class, seconds spent, and the recent pace."""

    def __init__(self) -> None:
        self.by_class = {f"{digit}xx": 0 for digit in range(1, 6)}
        self.seconds = 0.0
        self._recent: deque[float] = deque(maxlen=20_000)

    def add(self, status: int, seconds: float) -> None:
        """Count one request."""
        self.by_class[f"{status // 100}xx"] += 1
        self.seconds += seconds
        self._recent.append(time.monotonic())

    def throughput(self) -> float:
        """Requests a second over the last ten seconds."""
        since = time.monotonic() - WINDOW_SECONDS
        while self._recent and self._recent[0] < since:
            self._recent.popleft()
        return len(self._recent) / WINDOW_SECONDS


class Behaving:
    """ASGI middleware. An API request that is to fail does so before anything was written."""

    def __init__(self, app: ASGIApp, behaviour: Behaviour, version: str, colour: str, tally: Tally) -> None:
        self._app = app
        self._behaviour = behaviour
        self._version = version
        self._marks = [(b"x-version", version.encode()), (b"x-colour", colour.encode())]
        self._tally = tally
        self._due = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        status = 500

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *self._marks]
            await send(message)

        try:
            if self._behaviour.latency_ms and scope["path"] != "/metrics":
                await asyncio.sleep(self._behaviour.latency_ms / 1000)
            if scope["path"].startswith("/api/") and self._fails():
                await _fail(marked)
            else:
                await self._app(scope, receive, marked)
        finally:
            self._tally.add(status, time.monotonic() - began)
            if status >= 500:
                log("ERROR", f"{scope['method']} {scope['path']} answered {status} in version {self._version}")

    def _fails(self) -> bool:
        """Exactly the given share of requests, evenly spread."""
        self._due += self._behaviour.error_rate
        if self._due < 1:
            return False
        self._due -= 1
        return True


async def _fail(send: Any) -> None:
    body = b'{"error": "internal error"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def misbehave(behaviour: Behaviour) -> None:
    """What a release does by itself while it runs: leak memory, or crash."""
    if behaviour.crash_after_seconds is not None:
        await asyncio.sleep(behaviour.crash_after_seconds)
        log("CRITICAL", "unrecoverable state, exiting")
        os._exit(70)
    leaked: list[bytearray] = []
    while behaviour.leak_mib_per_second and len(leaked) < behaviour.leak_limit_mib * 4:
        leaked.append(bytearray(os.urandom(4096) * 64))  # a quarter of a MiB
        await asyncio.sleep(0.25 / behaviour.leak_mib_per_second)
    await asyncio.Event().wait()


def log(level: str, text: str) -> None:
    """One line on stderr, which the supervisor keeps."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {level} {text}\n")
