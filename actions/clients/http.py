"""HTTP as an observer and as a writer: two classes over the same guarded exchange.

Both: one configured origin, total timeout, bounded decoded body, no redirects, no proxies from the environment, no
cookies, headers sent to that origin only. `HttpReader` can only GET and never raises for what a server or network does.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
from pydantic import SecretStr

from actions.clients.http_answer import Answer, Trouble
from actions.clients.http_streams import Streams
from actions.clients.http_wire import Limit, Trace, bounded_body, header, told_apart
from actions.clients.names import look_up
from actions.clients.secrets import redact
from actions.clients.tls import plain_context, tls_context
from actions.model.errors import Ambiguous, ConfigError, Unreachable
from actions.model.fair_timeout import fair_timeout
from actions.model.text import clean
from actions.model.workloads import Tls

__all__ = ["Answer", "HttpReader", "HttpWriter", "Trouble"]

LINE = 4_000
"""Characters of an address or message that are looked at; screens show a few hundred."""
BODY_LIMIT = 1024 * 1024
CONNECT_SECONDS = 3.0
IDLE_SECONDS = 5.0
"""A kept connection that was not used for so long is closed."""
ERRORS = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, httpcore.UnsupportedProtocol)
_REDIRECTS = {301, 302, 303, 307, 308}
_PLAIN = {"Accept": "application/json, text/plain;q=0.9, */*;q=0.5", "Accept-Encoding": "gzip", "User-Agent": "vq-tui"}


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is the same whenever a request is sent. Its headers may hold secrets."""

    method: str
    url: httpcore.URL
    headers: list[tuple[bytes, bytes]] = field(repr=False)
    content: bytes | None = field(repr=False)

    def once(self, extensions: dict[str, Any]) -> httpcore.Request:
        """A request of its own for one exchange."""
        return httpcore.Request(
            self.method, self.url, headers=self.headers, content=self.content, extensions=extensions
        )


class _Origin:
    """What both halves share: where to, with which headers and limits, over which connections."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, SecretStr | str] | None = None,
        tls: Tls | None = None,
        timeout: float = 2.0,
        body_limit: int = BODY_LIMIT,
        connections: int = 4,
        conceal: bool = False,
    ) -> None:
        """`timeout` seconds bound each whole exchange; `body_limit` bytes each decoded body. Raises ConfigError.

        `conceal` keeps the path out of every message: the addresses of chat webhooks are secrets themselves.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(f"{clean(redact(url))} is not an http:// or https:// address")
        if parts.username is not None or parts.password is not None:
            raise ConfigError(f"{clean(redact(url))} holds a name or password; put it into 'headers' as a secret")
        self.base = url.split("?")[0].split("#")[0].rstrip("/")
        self.host = parts.hostname
        self.conceal = conceal
        self.timeout = timeout
        self.body_limit = body_limit
        self._origin = (parts.scheme, parts.netloc)
        self._secrets = tuple(value for value in (headers or {}).values() if isinstance(value, SecretStr))
        self._headers = _PLAIN | {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in (headers or {}).items()
        }
        self._context = tls_context(tls) if parts.scheme == "https" else None
        self._server_name = tls.server_name if tls is not None else None
        self._connections = connections

    def pool(self) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=self._context or plain_context(),
            max_connections=self._connections,
            max_keepalive_connections=self._connections,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=Streams() if self._context is None else None,
        )

    def request(self, method: str, path: str, content: bytes | None = None, kind: str | None = None) -> _Prepared:
        """Raises ConfigError when `path` leads to another origin."""
        if path.startswith(("http://", "https://")):
            parts = urlsplit(path)
            if (parts.scheme, parts.netloc) != self._origin:
                raise ConfigError(f"{clean(redact(path))} is not on {self.base}; only one origin is ever asked")
            url = path
        elif path.startswith("/") or not path:
            url = self.base + path
        else:
            raise ConfigError(f"path '{clean(path)}' must begin with '/'")
        headers = self._headers | ({"Content-Type": kind} if kind else {})
        try:
            made = httpx.Request(method, url, headers=headers, content=content)
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            words = "" if self.conceal else f": {clean(self.safe(str(error)))}"
            raise ConfigError(f"cannot ask {clean(redact(self.named(path)))}{words}") from None
        where = made.url
        address = httpcore.URL(scheme=where.raw_scheme, host=where.raw_host, port=where.port, target=where.raw_path)
        return _Prepared(method, address, made.headers.raw, content)

    def extensions(self, trace: Trace) -> dict[str, Any]:
        """Only connecting has a limit of its own: the total one bounds all the rest, and each more costs a tenth."""
        limits = {"connect": CONNECT_SECONDS} if self.timeout > CONNECT_SECONDS else {}
        found: dict[str, Any] = {"timeout": limits, "trace": trace}
        if self._server_name:
            found["sni_hostname"] = self._server_name
        return found

    def named(self, path: str) -> str:
        """How messages name the address of `path`."""
        return f"{self._origin[0]}://{self.host}/…" if self.conceal else self.base + path

    def safe(self, text: str) -> str:
        """`text` without the secrets of this origin."""
        return redact(text, self._secrets, LINE)

    async def exchange(self, pool: httpcore.AsyncConnectionPool, request: httpcore.Request, path: str) -> Answer:
        """One answer; raises httpcore errors, Limit (only before an answer) and whatever bounds it from outside."""
        started = time.perf_counter()
        response = await pool.handle_async_request(request)
        status, headers = response.status, response.headers
        trouble, detail, body = None, "", b""
        try:
            if status in _REDIRECTS:
                elsewhere = clean(self.safe(header(response, b"location") or "nowhere"), limit=200)
                trouble, detail = Trouble.REDIRECT, f"answers {status} and points to {elsewhere}; not followed"
            else:
                body = await bounded_body(response, self.body_limit)
        except Limit as limit:
            trouble, detail = limit.trouble, limit.detail
        finally:
            await response.aclose()
        return Answer(
            "" if self.conceal else path, status, time.perf_counter() - started, body, trouble, detail, headers
        )


class _Lane:
    """Kept connections and who uses them. An exchange cut off by its timeout leaves httpcore's count of them wrong for
    good, until no connection is left: such a lane is retired, and closed when its last user has gone.
    """

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self.pool = pool
        self.users = 0
        self.retired = False

    async def leave(self) -> None:
        self.users -= 1
        if self.retired and self.users == 0:
            await self.pool.aclose()


class HttpReader:
    """Asks one origin by GET. Keeps its connections; make one per service and keep it."""

    def __init__(self, url: str, **options: Any) -> None:
        """`options`: headers, tls, timeout, body_limit, connections, conceal, as `_Origin`. Raises ConfigError."""
        self._origin = _Origin(url, **options)
        self._lane = _Lane(self._origin.pool())
        self._requests: dict[str, _Prepared] = {}

    @property
    def url(self) -> str:
        """The origin and base path that are asked."""
        return self._origin.base

    async def get(self, path: str = "", *, fresh: bool = False) -> Answer:
        """The answer at `path`, within the total timeout. Trouble is part of the answer; ConfigError is for a bad path.

        `fresh` uses a connection of its own, as proofs of traffic need. A kept connection that the server had
        closed meanwhile is replaced and the GET sent once more: reading twice changes nothing.
        """
        prepared = self._prepared(path)
        lane = _Lane(self._origin.pool()) if fresh else self._lane
        lane.users += 1
        lane.retired |= fresh
        started = time.perf_counter()
        cut_off = True
        try:
            async with fair_timeout(self._origin.timeout):
                await look_up(self._origin.host)
                answer = await self._asked(lane.pool, prepared, path)
            cut_off = False
        except (TimeoutError, httpcore.TimeoutException):
            trouble, detail = Trouble.TIMEOUT, f"no complete answer within {self._origin.timeout:g} s"
            answer = Answer(path, None, time.perf_counter() - started, b"", trouble, detail)
        except (*ERRORS, Limit, Unreachable, OSError) as error:
            cut_off = False
            trouble, detail = told_apart(error)
            seconds = time.perf_counter() - started
            answer = Answer(path, None, seconds, b"", trouble, clean(self._origin.safe(detail), limit=300))
        finally:
            if cut_off:
                self._retire(lane)
            await lane.leave()
        return answer

    async def close(self) -> None:
        """Close the kept connections."""
        self._lane.retired = True
        await self._lane.pool.aclose()

    def _retire(self, lane: _Lane) -> None:
        lane.retired = True
        if lane is self._lane:
            self._lane = _Lane(self._origin.pool())

    def _prepared(self, path: str) -> _Prepared:
        if path not in self._requests:
            if len(self._requests) >= 100:
                self._requests.clear()
            self._requests[path] = self._origin.request("GET", path)
        return self._requests[path]

    async def _asked(self, pool: httpcore.AsyncConnectionPool, prepared: _Prepared, path: str) -> Answer:
        trace = Trace(self._origin.host)
        try:
            return await self._origin.exchange(pool, prepared.once(self._origin.extensions(trace)), path)
        except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
            if trace.connected:
                raise
        again = prepared.once(self._origin.extensions(Trace(self._origin.host)))
        return await self._origin.exchange(pool, again, path)


class HttpWriter:
    """Sends changes to one origin, each once, each over a connection of its own; never repeats one."""

    def __init__(self, url: str, **options: Any) -> None:
        """`options` as for HttpReader. Raises ConfigError."""
        self._origin = _Origin(url, **options)

    async def post(self, path: str, content: bytes, kind: str = "application/json") -> Answer:
        """POST `content`. Any answer is returned, also a refusing one; see `send`."""
        return await self.send("POST", path, content, kind)

    async def put(self, path: str, content: bytes, kind: str = "application/json") -> Answer:
        """PUT `content`. Any answer is returned, also a refusing one; see `send`."""
        return await self.send("PUT", path, content, kind)

    async def send(self, method: str, path: str, content: bytes, kind: str) -> Answer:
        """One change. Raises Unreachable when nothing was sent, Ambiguous when it was and the answer is lost."""
        trace = Trace(self._origin.host)
        request = self._origin.request(method, path, content, kind).once(self._origin.extensions(trace))
        pool = self._origin.pool()
        what = f"{method} {self._origin.named(path)}"
        try:
            async with fair_timeout(self._origin.timeout):
                await look_up(self._origin.host)
                return await self._origin.exchange(pool, request, path)
        except (TimeoutError, *ERRORS, Limit, Unreachable, OSError) as error:
            timed_out = isinstance(error, TimeoutError | httpcore.TimeoutException)
            why = f"no answer within {self._origin.timeout:g} s" if timed_out else told_apart(error)[1]
            line = clean(self._origin.safe(f"{what}: {why}"), limit=400)
            if trace.sent:
                raise Ambiguous(f"{line}; it may have taken effect") from None
            raise Unreachable(f"{line}; nothing was sent") from None
        finally:
            await pool.aclose()
