"""The HTTP face of the API."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import psutil
import psycopg
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from actions.sandbox.api.behaving import Behaving, Tally, log, misbehave
from actions.sandbox.api.health import Health
from actions.sandbox.api.service import Service, Unknown
from actions.sandbox.release_files import Release

LIMIT = 50
BODY_LIMIT = 64 * 1024


class Api:
    """The routes of one process."""

    def __init__(self, service: Service, release: Release, colour: str) -> None:
        self._service = service
        self._release = release
        self._colour = colour
        self._health = Health(service, release)
        self._tally = Tally()

    def application(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            Route("/health", self.health),
            Route("/health/ready", self.health),
            Route("/health/live", self.live),
            Route("/metrics", self.metrics),
            Route("/api/queues", self.queues),
            Route("/api/queues", self.create_queue, methods=["POST"]),
            Route("/api/users", self.users),
            Route("/api/users", self.create_user, methods=["POST"]),
            Route("/api/sessions", self.sessions),
            Route("/api/sessions", self.join_or_serve, methods=["POST"]),
        ]
        version = self._release.manifest.version
        handlers: Any = {
            Unknown: _answer(404),
            HTTPException: _answer(400),
            psycopg.Error: _answer(503),
            RedisError: _answer(503),
            TimeoutError: _answer(503),
        }
        app = Starlette(routes=routes, exception_handlers=handlers, lifespan=self._life)
        return Behaving(app, self._release.behaviour, version, self._colour, self._tally)

    @contextlib.asynccontextmanager
    async def _life(self, _: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(misbehave(self._release.behaviour))
        try:
            yield
        finally:
            task.cancel()
            await self._service.database.close()
            await self._service.counters.close()

    async def health(self, _: Request) -> Response:
        """200 when every dependency answers and the release fits, else 503."""
        well, checks = await self._health.report()
        return JSONResponse({"status": "ok" if well else "down", **self._who(), "checks": checks}, 200 if well else 503)

    async def live(self, _: Request) -> Response:
        """200 as long as the process answers at all."""
        return JSONResponse({"status": "ok", **self._who()})

    async def queues(self, _: Request) -> Response:
        """All queues, and what they add up to."""
        rows = await self._service.queues()
        return JSONResponse({"queues": rows, "summary": self._summary(rows)})

    async def users(self, request: Request) -> Response:
        """The newest users."""
        return JSONResponse({"users": await self._service.users(_limit(request))})

    async def sessions(self, request: Request) -> Response:
        """The newest sessions."""
        return JSONResponse({"sessions": await self._service.sessions(_limit(request))})

    async def create_queue(self, request: Request) -> Response:
        """Create a queue: `{"name", "token"?}`."""
        words = await _words(request, "name")
        return JSONResponse(await self._service.create("queue", words["name"], words.get("token")), 201)

    async def create_user(self, request: Request) -> Response:
        """Create a user: `{"name", "token"?}`."""
        words = await _words(request, "name")
        return JSONResponse(await self._service.create("user", words["name"], words.get("token")), 201)

    async def join_or_serve(self, request: Request) -> Response:
        """`{"action": "join", "queue", "user", "token"?}` or `{"action": "serve", "queue", "token"?}`."""
        words = await _words(request, "action", "queue")
        if words["action"] == "serve":
            return JSONResponse(await self._service.serve(words["queue"], words.get("token")), 201)
        if words["action"] != "join" or "user" not in words:
            raise HTTPException(422, "'action' must be 'join' with a 'user', or 'serve'")
        return JSONResponse(await self._service.join(words["queue"], words["user"], words.get("token")), 201)

    async def metrics(self, _: Request) -> Response:
        """Prometheus text."""
        summary = self._summary(await self._service.queues())
        version = self._release.manifest.version
        lines = [f'vq_build_info{{version="{version}",colour="{self._colour}"}} 1']
        lines += [f'vq_requests_total{{status="{name}"}} {count}' for name, count in self._tally.by_class.items()]
        lines += [f"vq_request_seconds_sum {self._tally.seconds:.6f}"]
        lines += [f"vq_request_seconds_count {sum(self._tally.by_class.values())}"]
        lines += [f"process_resident_memory_bytes {psutil.Process().memory_info().rss}"]
        lines += [f"vq_{name} {value}" for name, value in summary.items() if value is not None]
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")

    def _summary(self, rows: list[dict[str, Any]]) -> dict[str, float | None]:
        lengths = [row["length"] for row in rows if row["length"] is not None]
        known = len(lengths) == len(rows) and bool(rows)
        return {
            "queues": len(rows),
            "queues_active": sum(1 for length in lengths if length) if known else None,
            "sessions_waiting": sum(lengths) if known else None,
            "sessions_served": sum(row["served"] for row in rows) if known else None,
            "queue_length_mean": round(sum(lengths) / len(lengths), 2) if known else None,
            "throughput": round(self._tally.throughput(), 1),
        }

    def _who(self) -> dict[str, str]:
        manifest = self._release.manifest
        return {"version": manifest.version, "colour": self._colour, "artefact": manifest.artefact}


def _limit(request: Request) -> int:
    asked = request.query_params.get("limit", "20")
    return min(LIMIT, int(asked)) if asked.isdecimal() else 20


async def _words(request: Request, *needed: str) -> dict[str, str]:
    if int(request.headers.get("content-length", "0") or 0) > BODY_LIMIT:
        raise HTTPException(413, "the body is too large")
    try:
        body = await request.json()
    except ValueError:
        raise HTTPException(422, "the body must be JSON") from None
    if not isinstance(body, dict) or not all(
        isinstance(key, str) and isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()
        for key, value in body.items()
    ):
        raise HTTPException(422, "the body must be an object of printable strings of 1 to 200 characters")
    if missing := [name for name in needed if name not in body]:
        raise HTTPException(422, f"missing: {', '.join(missing)}")
    return body


def _answer(status: int) -> Any:
    async def handler(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            return JSONResponse({"error": error.detail}, error.status_code)
        if status >= 500:
            reason = str(error).strip().splitlines()
            log("ERROR", f"{request.method} {request.url.path}: {type(error).__name__}: {reason[0] if reason else ''}")
        return JSONResponse({"error": str(error) if status < 500 else "a dependency does not answer"}, status)

    return handler
