"""One connection to an engine: docker-py's low-level client, bounded in time and size, with its errors translated.

docker-py is synchronous; calls run in threads of their own, so that an engine that hangs blocks nothing else. Only this
module and `bounded` name docker-py; it is imported when the first call is made, not when the program starts.
"""

import asyncio
import errno
import time
from collections.abc import Callable
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from actions.clients.blocking import aside
from actions.clients.docker.errors import Conflict, EngineError, Forbidden, Missing, Oversize, TooLarge
from actions.model.errors import Ambiguous, ConfigError, Slow, Unreachable, VqError
from actions.model.text import clean
from actions.model.workloads import Tls

if TYPE_CHECKING:
    from docker import APIClient

    from actions.clients.docker.bounded import BoundedClient

T = TypeVar("T")

Call = Callable[[Any], T]
"""Takes docker-py's client, which knows more than its type stubs do."""
LATE = "no answer in time"
_AT_ONCE = 8
"""Calls under way at a time; docker-py keeps ten connections."""
_numbers = count()


class Connection:
    """An engine at `host` (`unix://…`, `tcp://…`). `timeout` in seconds bounds every call that names none.

    Unless `writing`, nothing that changes anything leaves it: its transport refuses, whatever was called.
    """

    def __init__(self, host: str, tls: Tls | None = None, *, timeout: float = 5.0, writing: bool = False) -> None:
        self.host = host
        self.timeout = timeout
        self._writing = writing
        self._tls = tls
        self._client: APIClient | None = None
        self._opening = Lock()
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def read(self, call: Call[T], *, timeout: float | None = None) -> T:
        """The result of a call that changes nothing. Raises Unreachable, Missing, Forbidden, EngineError."""
        return await self._run(call, timeout or self.timeout, writes=False)

    async def write(self, call: Call[T], *, timeout: float | None = None) -> T:
        """The result of a call that changes something; sent once. Raises Ambiguous too, when the answer was lost."""
        return await self._run(call, timeout or self.timeout, writes=True)

    async def close(self) -> None:
        """Give the connections back; calls under way end by their own timeout."""
        if self._client is not None:
            self._client.close()

    async def _run(self, call: Call[T], timeout: float, *, writes: bool) -> T:
        async with self._room:
            return await aside(("docker", next(_numbers)), lambda: self._call(call, timeout, writes))

    def _call(self, call: Call[T], timeout: float, writes: bool) -> T:
        client = self._open()  # asks for the version: when this fails, nothing was sent yet
        try:
            return call(_within(client, timeout))
        except Exception as error:
            raise self._translate(error, writes) from error

    def _open(self) -> "APIClient":
        if not self._opening.acquire(timeout=self.timeout):  # another call waits for an engine that hangs
            raise Slow(f"Docker Engine at {self.host}: {LATE}")
        try:
            if self._client is None:
                self._client = bounded_client(self.host, self._tls, self.timeout, reading=not self._writing)
            return self._client
        except Exception as error:
            raise self._translate(error, False) from error
        finally:
            self._opening.release()

    def _translate(self, error: Exception, writes: bool) -> VqError:
        from docker.errors import APIError, DockerException, TLSParameterError
        from requests.exceptions import RequestException

        if isinstance(error, VqError):
            return error
        if isinstance(error, APIError) and error.response is not None:
            return _answered(error.response.status_code, clean(error.explanation or error, limit=400), self.host)
        if isinstance(error, TLSParameterError):
            return ConfigError(f"TLS settings for {self.host}: {clean(error, limit=200)}")
        if not isinstance(error, RequestException | DockerException | OSError | ValueError):
            raise error
        words = _why(error, self.host)
        if writes and not _never_sent(error):
            return Ambiguous(f"the engine at {self.host} was asked, but its answer was lost: {words}")
        kind = TooLarge if isinstance(error, Oversize) else Slow if words == LATE else Unreachable
        return kind(f"Docker Engine at {self.host}: {words}")


def _within(client: "APIClient", timeout: float) -> "APIClient":
    """The same client; the calls of this thread end within `timeout`."""
    client.deadline.end = time.monotonic() + timeout  # type: ignore[attr-defined]
    return client


def bounded_client(
    host: str, tls: Tls | None, timeout: float, *, reading: bool, version: str = "auto"
) -> "BoundedClient":
    """docker-py's client. With `version` "auto" the engine is asked for its own."""
    from actions.clients.docker.bounded import BoundedClient

    config: Any = False
    if tls is not None:
        from docker.tls import TLSConfig

        pair = (str(tls.certificate), str(tls.key or tls.certificate)) if tls.certificate else None
        config = TLSConfig(client_cert=pair, ca_cert=str(tls.ca) if tls.ca else None, verify=True)
    return BoundedClient(reading=reading, base_url=host, version=version, timeout=timeout, tls=config)


def _answered(status: int, words: str, host: str) -> EngineError:
    if status == 404:
        return Missing(words, status)
    if status == 409:
        return Conflict(words, status)
    if status in (401, 403) and "already in use" not in words.lower():
        return Forbidden(f"the engine at {host}, or a proxy before it, forbids this call: {words}", status)
    return EngineError(f"the engine refused ({status}): {words}", status)


def _chain(error: BaseException | None) -> list[BaseException]:
    """The error, what caused it, and what was wrapped in its arguments, outermost first."""
    found: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or one in found:
            continue
        found.append(one)
        waiting += [getattr(one, "reason", None)] if isinstance(getattr(one, "reason", None), BaseException) else []
        waiting += [argument for argument in one.args if isinstance(argument, BaseException)]
        waiting += [one.__cause__, one.__context__]
    return found


def _never_sent(error: Exception) -> bool:
    """Whether the request cannot have reached the engine: the connection itself was never made."""
    from requests.exceptions import ConnectTimeout
    from urllib3.exceptions import NewConnectionError

    return any(
        isinstance(
            one, FileNotFoundError | ConnectionRefusedError | PermissionError | ConnectTimeout | NewConnectionError
        )
        for one in _chain(error)
    )


def _why(error: Exception, host: str) -> str:
    causes = _chain(error)
    socket = host.removeprefix("unix://")
    if any(isinstance(one, FileNotFoundError) for one in causes):
        return f"no socket at {socket}; is Docker installed and running on this host?"
    if any(isinstance(one, PermissionError) for one in causes):
        return f"no right to use {socket}; add this user to the socket's group, or set 'host' to an engine it may use"
    if any(isinstance(one, ConnectionRefusedError) for one in causes):
        return "nothing answers there; start the Docker daemon"
    if any(isinstance(one, TimeoutError) or "timed out" in str(one).lower() for one in causes):
        return LATE
    if any(isinstance(one, OSError) and one.errno == errno.ECONNRESET for one in causes):
        return "the connection was reset"
    return clean(str(causes[-1]) or type(causes[-1]).__name__, limit=200)
