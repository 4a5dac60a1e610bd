"""docker-py's client, with a total deadline per call and a bounded body. Imported only with docker-py."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

from docker import APIClient
from requests import PreparedRequest, Response
from requests.exceptions import ConnectionError, ReadTimeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from actions.clients.docker.errors import Oversize
from actions.model.errors import ReadOnlyError

_SMALLEST = 0.001


class BoundedClient(APIClient):
    """An APIClient whose calls end at the deadline of their thread and whose bodies end at a limit.

    requests only bounds the silence between two reads: an answer that drips would never end.
    """

    limit = 32 * 1024 * 1024

    def __init__(self, *, reading: bool, **options: Any) -> None:
        self.deadline = local()
        self.reading = reading
        super().__init__(**options)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """In this thread a reading client may send a request by POST: one that is known to change nothing."""
        self.deadline.asks = True
        try:
            yield
        finally:
            self.deadline.asks = False

    @property
    def trust_env(self) -> bool:
        """Never: proxies and authorities of the environment would come before the configured ones."""
        return False

    @trust_env.setter
    def trust_env(self, value: bool) -> None:
        """requests sets it while it is built, before the first call; ours stays."""

    def send(self, request: PreparedRequest, **options: Any) -> Response:
        """One request and its whole body. Raises ReadTimeout at the deadline, Oversize for a body too large.

        Raises ReadOnlyError, before anything is sent, when a reading client is to change something.
        """
        if self.reading and request.method not in ("GET", "HEAD") and not getattr(self.deadline, "asks", False):
            raise ReadOnlyError(f"a client that only reads sends no {request.method} to the engine")
        end = getattr(self.deadline, "end", time.monotonic() + float(self.timeout))
        left = max(end - time.monotonic(), _SMALLEST)
        options |= {"stream": True, "timeout": left, "allow_redirects": False}
        response = super().send(request, **options)
        try:
            response._content = self._whole(response, end)
        except ReadTimeoutError as error:
            raise ReadTimeout(f"the body did not end by the deadline: timed out: {error}") from error
        except HTTPError as error:
            raise ConnectionError(error) from error
        response._content_consumed = True  # type: ignore[attr-defined]
        return response

    def _whole(self, response: Response, end: float) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while piece := response.raw.read1(65_536, decode_content=True):  # returns what is there, also a single byte
            pieces.append(piece)
            size += len(piece)
            if size > self.limit:
                response.close()
                raise Oversize(f"the answer is larger than {self.limit} bytes")
            if time.monotonic() > end:
                response.close()
                raise ReadTimeout("the answer dripped until the deadline: timed out")
        return b"".join(pieces)
