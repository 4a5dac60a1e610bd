"""The Kubernetes API: a reading half, and a writing half for guarded patches and deletes (P2).

Speaks through the asyncio half of the `kubernetes` package, with plain JSON objects: what is compared and hashed is
exactly what the server sent. The package is imported at the first connection, never before the first frame.
"""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

from actions.clients.kubernetes_errors import CALL_SECONDS, refusal, watch_error, why
from actions.model.environment import KubernetesWorkload
from actions.model.errors import Ambiguous, ConfigError, Unreachable
from actions.model.text import clean

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient

Json = dict[str, Any]
CONNECT_SECONDS = 4.0
BODY_LIMIT = 64 * 1024 * 1024
PAGE = "500"
SILENT_SECONDS, SILENT_PROBES = 10, 3
MANAGER = "vq-tui"
WRITES = frozenset({"PATCH", "DELETE"})


class KubernetesReader:
    """Reads objects of one cluster as one identity. Connects at the first call."""

    def __init__(self, kubeconfig: Path | None, context: str | None) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._client: ApiClient | None = None
        self._connecting = asyncio.Lock()
        self._closed = False
        self._retired: list[tuple[float, ApiClient]] = []

    @classmethod
    def of(cls, settings: KubernetesWorkload) -> Self:
        """A client for this workload's cluster."""
        return cls(settings.kubeconfig, settings.context)

    @property
    def where(self) -> str:
        """How messages name the cluster."""
        if self._context:
            return f"Kubernetes context '{self._context}'"
        return f"Kubernetes by {self._kubeconfig}" if self._kubeconfig else "the in-cluster Kubernetes API"

    async def get(self, path: str, **query: str) -> Json:
        """One object or one list. Raises NotThere, Forbidden, Unreachable."""
        return await self._call("GET", path, query)

    async def collection(self, path: str) -> tuple[list[Json], str]:
        """All objects of a collection, read in pages, and the version to watch from. Raises Expired to begin anew."""
        items: list[Json] = []
        query = {"limit": PAGE}
        while True:
            found = await self._call("GET", path, query)
            items += found.get("items") or []
            meta = found.get("metadata") or {}
            if not meta.get("continue"):
                return items, str(meta.get("resourceVersion", ""))
            query = {"limit": PAGE, "continue": str(meta["continue"])}

    async def ping(self) -> None:
        """Return when the API answers at all. Raises Unreachable when it does not, or not to these credentials."""
        status, _ = await self._exchange("GET", "/version", {}, None, "application/json")
        if status >= 500:
            raise Unreachable(f"{self.where} answers {status}")

    async def text(self, path: str, **query: str) -> str:
        """A plain answer such as a log, not yet cleaned of line ends."""
        status, body = await self._exchange("GET", path, query, None, "application/json")
        if status >= 400:
            raise refusal(self.where, "GET", path, status, body)
        return body.decode("utf-8", "replace")

    async def may(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Whether this identity has the right, by access review; changes nothing."""
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        answer = await self._call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {}, body)
        return bool(answer.get("status", {}).get("allowed"))

    async def watch(
        self, path: str, version: str, seconds: int = 240, opened: Callable[[], None] = lambda: None
    ) -> AsyncIterator[Json]:
        """Events since `version`, until the server ends the watch; `opened` is called once it is in place.

        Raises Expired when `version` is too old.
        """
        query = {
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
            "allowWatchBookmarks": "true",
        }
        aiohttp = await _library("aiohttp")
        try:
            response = await self._send("GET", path, query, None, "application/json", seconds + CALL_SECONDS)
            try:
                if response.status == 401:
                    raise self._not_accepted()
                if response.status >= 400:
                    raise refusal(self.where, "watch", path, response.status, await response.content.read(65_536))
                _notice_silence(response)
                opened()
                async for line in response.content:
                    event: Json = json.loads(line)
                    if event.get("type") == "ERROR":
                        raise watch_error(self.where, path, event.get("object", {}))
                    yield event
            finally:
                response.release()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unreachable(f"{self.where}: the watch of {path} broke: {why(error)}") from None

    async def close(self) -> None:
        """Close the connections; every later call is refused."""
        self._closed = True
        self._retire()
        await self._close_retired(0.0)

    def _retire(self) -> None:
        """Connect anew at the next call; what others still ask over the old connections may end."""
        if self._client is not None:
            self._retired.append((time.monotonic(), self._client))
            self._client = None

    async def _close_retired(self, age: float) -> None:
        old = [one for one in self._retired if time.monotonic() - one[0] >= age]
        self._retired = [one for one in self._retired if one not in old]
        for _, client in old:
            await client.close()

    def _not_accepted(self) -> Unreachable:
        """These credentials are not accepted: the next call reads the kubeconfig anew, after a new login too."""
        self._retire()
        return Unreachable(
            f"{self.where} does not accept these credentials (401): log in again, the token may have expired"
        )

    async def _call(
        self, method: str, path: str, query: dict[str, str], body: Any = None, kind: str = "application/json"
    ) -> Json:
        status, raw = await self._exchange(method, path, query, body, kind)
        if status >= 400:
            raise refusal(self.where, method, path, status, raw)
        try:
            answer = json.loads(raw)
        except ValueError:
            raise Unreachable(f"{self.where} answers {path} with something that is not JSON") from None
        if not isinstance(answer, dict):
            raise Unreachable(f"{self.where} answers {path} with something that is not an object")
        return answer

    async def _exchange(self, method: str, path: str, query: dict[str, str], body: Any, kind: str) -> tuple[int, bytes]:
        aiohttp = await _library("aiohttp")
        sent = False
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._connected()
                sent = True
                response = await self._send(method, path, query, body, kind, CALL_SECONDS)
                try:
                    raw = await response.content.read(BODY_LIMIT + 1)
                    while not response.content.at_eof() and len(raw) <= BODY_LIMIT:
                        raw += await response.content.read(BODY_LIMIT + 1)
                finally:
                    response.release()
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(f"{self.where} does not accept connections: {why(error)}; check network or VPN") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if sent and method in WRITES:
                raise Ambiguous(
                    f"{self.where}: no answer to {method} {path}: {why(error)}; it may be applied"
                ) from None
            raise Unreachable(f"{self.where} does not answer: {why(error)}; check network or VPN") from None
        if response.status == 401:
            raise self._not_accepted()
        if len(raw) > BODY_LIMIT:
            raise Unreachable(f"{self.where} answers {path} with more than {BODY_LIMIT} bytes")
        return int(response.status), bytes(raw)

    async def _send(self, method: str, path: str, query: dict[str, str], body: Any, kind: str, seconds: float) -> Any:
        aiohttp = await _library("aiohttp")
        client = await self._connected()
        headers = {"Content-Type": kind, "Accept": "application/json", "User-Agent": MANAGER}
        await client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = client.configuration.host + path + ("?" + urlencode(query) if query else "")
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        answer = await client.rest_client.request(method, url, headers=headers, body=body, _request_timeout=timeout)
        return answer.response

    async def _connected(self) -> "ApiClient":
        async with self._connecting:
            client: ApiClient = self._client or await _open(self._kubeconfig, self._context)
            if self._closed:
                await client.close()
                raise Unreachable(f"{self.where}: the connection was closed")
            self._client = client
            await self._close_retired(2 * CALL_SECONDS)
            return client


class KubernetesWriter(KubernetesReader):
    """Also changes objects, each change guarded by what it expects to find."""

    async def patch(self, path: str, operations: list[Json], *, dry_run: bool = False) -> Json:
        """A JSON patch, all or nothing. Raises Stale when a `test` fails, Ambiguous when the answer is lost."""
        query = {"fieldManager": MANAGER} | ({"dryRun": "All"} if dry_run else {})
        return await self._call("PATCH", path, query, operations, "application/json-patch+json")

    async def delete(self, path: str, uid: str) -> None:
        """Delete the object of this uid and no other. Raises Stale when another one has the name now."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        await self._call("DELETE", path, {}, body)


def kubeconfigs(kubeconfig: Path | None) -> list[Path]:
    """Where the kubeconfig may lie: as configured, else in $KUBECONFIG, else in the home directory."""
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return [kubeconfig] if kubeconfig else [Path(part) for part in named] or [Path.home() / ".kube" / "config"]


async def _library(name: str) -> Any:
    """A heavy library, imported beside the loop, so that what else is measured meanwhile is not delayed."""
    return sys.modules.get(name) or await asyncio.to_thread(import_module, name)


async def _open(kubeconfig: Path | None, context: str | None) -> "ApiClient":
    client, config = await _library("kubernetes.aio.client"), await _library("kubernetes.aio.config")
    yaml = await _library("yaml")  # a kubeconfig is read while a login writes it
    configuration = client.Configuration()
    configuration.proxy = None
    configuration.client_session_kwargs = {"trust_env": False, "middlewares": (_sent_once,)}
    configuration.connection_pool_maxsize = 0  # every watch holds a connection; a limit would starve the rest
    known = kubeconfigs(kubeconfig)
    if (kubeconfig or context) and not any(path.is_file() for path in known):
        names = ", ".join(map(str, known))
        raise ConfigError(f"no kubeconfig at {names}; log in to the cluster, or correct 'kubeconfig'")
    try:
        if context is None and kubeconfig is None:
            config.load_incluster_config(client_configuration=configuration)
        else:
            await config.load_kube_config(
                config_file=str(kubeconfig) if kubeconfig else None,
                context=context,
                client_configuration=configuration,
                persist_config=False,
            )
    except (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        place = kubeconfig or ("the default kubeconfig" if context else "in-cluster configuration")
        raise ConfigError(f"{place}: {clean(error, limit=300)}; check 'kubeconfig' and 'context'") from None
    opened: ApiClient = client.ApiClient(configuration)
    return opened


async def _sent_once(request: Any, send: Callable[[Any], Awaitable[Any]]) -> Any:
    """Have aiohttp send a write once: it would send DELETE again by itself when the connection breaks unanswered."""
    aiohttp = sys.modules["aiohttp"]
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:  # nothing was sent, and nothing is sent again
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method not in WRITES:
            raise
        raise aiohttp.ClientConnectionError(why(error)) from error


def _notice_silence(response: Any) -> None:
    """Have the kernel probe an idle watch: a path that silently swallows it must not look like a quiet cluster."""
    transport = response.connection.transport if response.connection else None
    found = transport.get_extra_info("socket") if transport else None
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, SILENT_SECONDS)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, SILENT_SECONDS // 2)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, SILENT_PROBES)
