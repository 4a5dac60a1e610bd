"""The HTTP front of the double: authentication, faults, answers, watch streams, and a log of every exchange."""

import contextlib
import json
import select
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.kubernetes.double.access import Identity
from tests.kubernetes.double.faults import Answer, Delay, Reset
from tests.kubernetes.double.kinds import REVIEWS
from tests.kubernetes.double.routes import NoSuchGroup, Request, Target, target_of
from tests.kubernetes.double.status import ApiError, Json, forbidden_path
from tests.kubernetes.double.watching import Watch, error_event

if TYPE_CHECKING:
    from tests.kubernetes.double.double import KubernetesDouble

READING = {"get", "list", "watch"}
PROBED = ("/healthz", "/livez", "/readyz")
NOT_READY = "[-]poststarthook/rbac/bootstrap-roles failed: reason withheld\nreadyz check failed\n"


@dataclass
class Exchange:
    """One request as the server saw it; `status` 0: the connection was reset; `applied`: its effect took place."""

    user: str
    method: str
    path: str
    query: dict[str, str]
    content_type: str
    body: Any
    verb: str = ""
    group: str = ""
    resource: str = ""
    name: str = ""
    dry_run: bool = False
    status: int = 0
    applied: bool = False
    accept: str = ""


class Listener(ThreadingHTTPServer):
    """Accepts connections and remembers them, so that they can be cut."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, double: "KubernetesDouble", port: int) -> None:
        self.double = double
        self.connections: set[socket.socket] = set()
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of the server; anything else is told by the base class."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def cut(self) -> None:
        """Reset every open connection."""
        for connection in list(self.connections):
            self.connections.discard(connection)
            reset(connection)

    def close(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()
        self.cut()


def reset(connection: socket.socket) -> None:
    """Close with RST, so that the client sees a reset and not an end. A socket already closed is left alone."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)
    with contextlib.suppress(OSError):
        connection.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr: the double keeps its own log of exchanges."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        request = Request.parse(self.command, self.path, headers, raw)
        exchange = Exchange("", request.method, request.path, request.query, request.content_type, None)
        double = self.server.double
        exchange.accept = headers.get("accept", "")
        double.requests.append(exchange)
        try:
            who = double.access.authenticate(headers.get("authorization"))
            exchange.user, exchange.body = who.user, request.body
            if request.path in (*PROBED, "/version"):
                self._public(exchange, who)
                return
            target = target_of(request, double.cluster.kinds)
            exchange.verb, exchange.resource, exchange.name = target.verb, target.resource, target.name
            exchange.group = target.kind.group
            exchange.dry_run = request.dry_run
            self._through_faults(exchange, who, target, request)
        except ApiError as error:
            self._answer(exchange, error.code, error.body())
        except NoSuchGroup:
            self._answer(exchange, 404, "404 page not found\n")

    def _public(self, exchange: Exchange, who: Identity) -> None:
        """Everybody may ask these, of a server that has read its roles; its readiness also before that."""
        double = self.server.double
        if exchange.path == "/version":
            if not double.access.synced:
                raise forbidden_path(who.user, exchange.path)
            self._answer(exchange, 200, double.version)
        elif exchange.path == "/readyz" and not double.access.synced:
            self._answer(exchange, 500, NOT_READY)
        else:
            self._answer(exchange, 200, "ok")

    def _through_faults(self, exchange: Exchange, who: Identity, target: Target, request: Request) -> None:
        fault = self.server.double.faults.take(target, who.user, request.dry_run)
        match fault:
            case Delay(seconds=seconds):
                self.server.closing.wait(seconds)
            case Reset(applied=False):
                self._reset()
                return
            case Answer(code=410) if target.verb == "watch":
                self._stream(exchange, iter([error_event(ApiError(410, fault.reason, fault.message))]))
                return
            case Answer():
                told = {"retryAfterSeconds": fault.retry_after} if fault.retry_after else None
                body = ApiError(fault.code, fault.reason, fault.message, told).body()
                self._answer(exchange, fault.code, fault.message if fault.plain else body, fault.retry_after)
                return
        api = self.server.double.api
        api.permit(who, target)
        if target.verb == "watch":
            cluster = self.server.double.cluster
            watch = Watch(cluster.store, target, request.query, self._gone, cluster.names.last_bookmarks)
            self._stream(exchange, watch.events())
            return
        code, body = api.answer(who, target, request)
        exchange.applied = target.verb not in READING and target.kind not in REVIEWS and not request.dry_run
        if isinstance(fault, Reset):
            self._reset()
            return
        self._answer(exchange, code, body, warnings=request.warnings)

    def _reset(self) -> None:
        self.close_connection = True
        reset(self.connection)

    def _gone(self) -> bool:
        """Whether the server is closing or the client has hung up; its end shows as a readable, empty socket."""
        if self.connection not in self.server.connections:
            return True
        try:
            readable, _, _ = select.select([self.connection], [], [], 0)
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            return True

    def _answer(
        self,
        exchange: Exchange,
        code: int,
        body: Json | str,
        retry_after: int | None = None,
        warnings: Sequence[str] = (),
    ) -> None:
        """Head and body in one packet."""
        exchange.status = code
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/plain" if isinstance(body, str) else "application/json"
        data = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for warning in warnings:
            self.send_header("Warning", f"299 - {json.dumps(warning)}")
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self._headers_buffer.append(b"\r\n" + data)  # type: ignore[attr-defined]
        self.flush_headers()

    def _stream(self, exchange: Exchange, events: Any) -> None:
        exchange.status = 200
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            line = json.dumps(event).encode() + b"\n"
            self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        if self.connection not in self.server.connections:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")
