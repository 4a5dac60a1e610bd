"""The Kubernetes API: a reading half, and a writing half for guarded patches and deletes (P2).

Speaks through the asyncio half of the `kubernetes` package, with plain JSON objects: what is compared and hashed is
exactly what the server sent. The package is imported at the first connection, never before the first frame.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

from actions.model.environment import KubernetesWorkload
from actions.model.errors import Ambiguous, ConfigError, Refused, Stale, Unreachable, VqError
from actions.model.text import clean

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient

Json = dict[str, Any]
CALL_SECONDS = 10.0
CONNECT_SECONDS = 4.0
BODY_LIMIT = 64 * 1024 * 1024
MANAGER = "vq-tui"


class NotThere(VqError):
    """The object does not exist (404)."""


class Forbidden(Refused):
    """The credentials lack a right (403); the message names it."""


class Expired(VqError):
    """The resource version of a watch is too old (410): list again."""


class Throttled(Unreachable):
    """The server refused to process the request now (429, 503); nothing was applied. `after` is in seconds."""

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after


class KubernetesReader:
    """Reads objects of one cluster as one identity. Connects at the first call."""

    def __init__(self, kubeconfig: Path | None, context: str | None) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._client: ApiClient | None = None
        self._connecting = asyncio.Lock()

    @classmethod
    def of(cls, settings: KubernetesWorkload) -> Self:
        """A client for this workload's cluster."""
        return cls(settings.kubeconfig, settings.context)

    @property
    def where(self) -> str:
        """How messages name the cluster."""
        return f"Kubernetes context '{self._context}'" if self._context else "the in-cluster Kubernetes API"

    async def get(self, path: str, **query: str) -> Json:
        """One object or one list. Raises NotThere, Forbidden, Unreachable."""
        return await self._call("GET", path, query)

    async def text(self, path: str, **query: str) -> str:
        """A plain answer such as a log, not yet cleaned of line ends."""
        status, body = await self._exchange("GET", path, query, None, "application/json")
        if status >= 400:
            raise _refusal(self.where, "GET", path, status, body)
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

    async def watch(self, path: str, version: str, seconds: int = 240) -> AsyncIterator[Json]:
        """Events since `version`, until the server ends the watch. Raises Expired when `version` is too old."""
        query = {
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
            "allowWatchBookmarks": "true",
        }
        import aiohttp

        try:
            response = await self._send("GET", path, query, None, "application/json", seconds + CALL_SECONDS)
            try:
                if response.status >= 400:
                    raise _refusal(self.where, "watch", path, response.status, await response.content.read(65_536))
                async for line in response.content:
                    event: Json = json.loads(line)
                    if event.get("type") == "ERROR":
                        raise _watch_error(self.where, path, event.get("object", {}))
                    yield event
            finally:
                response.release()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unreachable(f"{self.where}: the watch of {path} broke: {_why(error)}") from None

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _call(
        self, method: str, path: str, query: dict[str, str], body: Any = None, kind: str = "application/json"
    ) -> Json:
        status, raw = await self._exchange(method, path, query, body, kind)
        if status >= 400:
            raise _refusal(self.where, method, path, status, raw)
        try:
            answer = json.loads(raw)
        except ValueError:
            raise Unreachable(f"{self.where} answers {path} with something that is not JSON") from None
        if not isinstance(answer, dict):
            raise Unreachable(f"{self.where} answers {path} with something that is not an object")
        return answer

    async def _exchange(self, method: str, path: str, query: dict[str, str], body: Any, kind: str) -> tuple[int, bytes]:
        import aiohttp

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
            raise Unreachable(
                f"{self.where} does not accept connections: {_why(error)}; check network or VPN"
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if sent and method in {"PATCH", "DELETE"}:
                raise Ambiguous(
                    f"{self.where}: no answer to {method} {path}: {_why(error)}; it may be applied"
                ) from None
            raise Unreachable(f"{self.where} does not answer: {_why(error)}; check network or VPN") from None
        if len(raw) > BODY_LIMIT:
            raise Unreachable(f"{self.where} answers {path} with more than {BODY_LIMIT} bytes")
        return int(response.status), bytes(raw)

    async def _send(self, method: str, path: str, query: dict[str, str], body: Any, kind: str, seconds: float) -> Any:
        import aiohttp

        client = await self._connected()
        headers = {"Content-Type": kind, "Accept": "application/json", "User-Agent": MANAGER}
        await client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = client.configuration.host + path + ("?" + urlencode(query) if query else "")
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        answer = await client.rest_client.request(method, url, headers=headers, body=body, _request_timeout=timeout)
        return answer.response

    async def _connected(self) -> "ApiClient":
        async with self._connecting:
            if self._client is None:
                self._client = await _open(self._kubeconfig, self._context)
            return self._client


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


async def _open(kubeconfig: Path | None, context: str | None) -> "ApiClient":
    from kubernetes.aio import client, config

    configuration = client.Configuration()
    configuration.proxy = None
    configuration.client_session_kwargs = {"trust_env": False}
    configuration.connection_pool_maxsize = 32
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
    except (config.ConfigException, OSError, ValueError, TypeError, KeyError) as error:
        place = kubeconfig or ("the default kubeconfig" if context else "in-cluster configuration")
        raise ConfigError(f"{place}: {clean(error, limit=300)}; check 'kubeconfig' and 'context'") from None
    return client.ApiClient(configuration)


def _refusal(where: str, verb: str, path: str, status: int, raw: bytes) -> VqError:
    try:
        told = json.loads(raw)
        message = clean(told.get("message", ""), limit=400) if isinstance(told, dict) else ""
    except ValueError:
        told, message = {}, clean(raw[:300])
    if status == 401:
        return Unreachable(f"{where} does not accept these credentials (401): log in again, the token may have expired")
    if status == 403:
        return Forbidden(f"{where}: {message or f'{verb} {path} is forbidden'}; ask for this right")
    if status == 404:
        return NotThere(f"{where}: {message or f'{path} does not exist'}")
    if status in {409, 422}:
        return Stale(f"{where} refuses the change ({status}): {message}; look again and plan anew")
    if status == 410:
        return Expired(f"{where}: {message}")
    if status in {429, 503}:
        details = told.get("details") if isinstance(told, dict) else None
        after = details.get("retryAfterSeconds") if isinstance(details, dict) else None
        return Throttled(f"{where} is busy ({status}): {message}", float(after or 1))
    if status >= 500 and verb in {"PATCH", "DELETE"}:
        return Ambiguous(f"{where} failed ({status}) on {verb} {path}: {message}; it may be applied")
    return Unreachable(f"{where} answers {verb} {path} with {status}: {message}")


def _watch_error(where: str, path: str, told: Json) -> VqError:
    code, message = int(told.get("code", 0)), clean(told.get("message", ""), limit=300)
    if code == 410:
        return Expired(f"{where}: {message}")
    return Unreachable(f"{where}: the watch of {path} ended with {code}: {message}")


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {CALL_SECONDS:.0f} s"
    return clean(error, limit=200) or type(error).__name__
