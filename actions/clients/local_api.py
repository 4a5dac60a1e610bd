"""JSON over HTTP to a helper process of this host, over a unix socket or loopback.

Total timeouts, bounded bodies, no redirects, no proxies, no retries. A refused connection is Unreachable (nothing was
sent); a write whose answer was lost is Ambiguous, so that the caller asks what happened instead of sending it again.
"""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
from pydantic import SecretStr

from actions.clients.local_socket import reachable
from actions.clients.tls import plain_context
from actions.model.errors import Ambiguous, ConfigError, Refused, Stale, UnknownNameError, Unreachable, VqError
from actions.model.text import clean

BODY_LIMIT = 4 * 1024 * 1024
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class LocalApi:
    """One helper's address: `unix:///path/of.sock` or `http://127.0.0.1:port`. Seconds bound the whole call."""

    def __init__(self, address: str, *, what: str, timeout: float = 5.0, token: SecretStr | None = None) -> None:
        parts = urlsplit(address)
        self._socket = Path(unquote(parts.path)) if parts.scheme == "unix" else None
        if self._socket is None and (parts.scheme != "http" or parts.hostname not in _LOOPBACK):
            raise ConfigError(f"{what}: address {clean(address)} must be unix:///path or http:// on this host")
        self.address = address
        self.what = what
        self._base = "http://local" if self._socket else f"http://{parts.netloc}"
        self._timeout = timeout
        self._token = token

    async def read(self, path: str) -> Any:
        """The JSON at `path`. Raises Unreachable, UnknownNameError (404) or Refused."""
        return await self._call("GET", path, None, self._timeout)

    async def write(self, method: str, path: str, body: Any = None, *, timeout: float | None = None) -> Any:
        """Send one change, once. Raises Unreachable, Ambiguous, Stale (409), UnknownNameError (404) or Refused."""
        return await self._call(method, path, body, timeout or self._timeout)

    async def _call(self, method: str, path: str, body: Any, seconds: float) -> Any:
        try:
            async with asyncio.timeout(seconds):
                status, content = await self._exchange(method, path, body)
        except (httpx.ConnectError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
            raise Unreachable(f"{self.what} does not answer at {self.address}: {clean(error)}") from error
        except (TimeoutError, httpx.HTTPError) as error:
            reason = f"no answer within {seconds:g} s" if isinstance(error, TimeoutError) else clean(error)
            if method == "GET":
                raise Unreachable(f"{self.what} at {self.address}: {reason}") from error
            raise Ambiguous(
                f"{self.what} at {self.address}: the answer to {method} {path} was lost ({reason})"
            ) from error
        return self._judge(status, content)

    async def _exchange(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        async with AsyncExitStack() as stack:
            uds = stack.enter_context(reachable(self._socket)) if self._socket else None
            transport = httpx.AsyncHTTPTransport(uds=uds, verify=plain_context(), trust_env=False)
            client = await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False, timeout=self._timeout)
            )
            headers = {"Authorization": f"Bearer {self._token.get_secret_value()}"} if self._token else {}
            async with client.stream(method, self._base + path, json=body, headers=headers) as answer:
                content = bytearray()
                async for piece in answer.aiter_raw():
                    content += piece
                    if len(content) > BODY_LIMIT:
                        raise httpx.DecodingError(f"the answer is larger than {BODY_LIMIT} bytes")
                return answer.status_code, bytes(content)

    def _judge(self, status: int, content: bytes) -> Any:
        try:
            payload = json.loads(content) if content else None
        except ValueError as error:
            raise VqError(f"{self.what} at {self.address} answered {status} with something that is not JSON") from error
        if status < 300:
            return payload
        error_text = payload.get("error") if isinstance(payload, dict) else None
        message = f"{self.what}: {clean(error_text or f'answered {status}')}"
        if status == 409:
            raise Stale(message)
        if status == 404:
            raise UnknownNameError(message)
        if 400 <= status < 500:
            raise Refused(message)
        raise VqError(message)
