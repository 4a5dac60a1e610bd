"""The Kubernetes API: a reading half, and a writing half for guarded patches and deletes.

Speaks with plain JSON objects: what is compared and hashed is exactly what the server sent.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

from actions.clients.http_wire import Limit, bounded_body
from actions.clients.kubernetes_errors import CALL_SECONDS, Starting, lacks_right, lost, refusal, watch_error, why
from actions.clients.kubernetes_selectors import ALL, Selected
from actions.clients.kubernetes_wire import (
    BODY_LIMIT,
    ERRORS,
    NOT_CONNECTED,
    WRITES,
    Exchange,
    Sent,
    Wire,
    connect,
    lines,
)
from actions.model.errors import Ambiguous, Unreachable
from actions.model.patience import fair_timeout
from actions.model.workloads import KubernetesWorkload

Json = dict[str, Any]
PAGE = "500"
MANAGER = "vq-tui"
JSON = "application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class _Answer(NamedTuple):
    status: int
    body: bytes
    retry_after: str | None


class KubernetesReader:
    """Reads objects of one cluster as one identity. Connects at the first call."""

    def __init__(self, kubeconfig: Path | None, context: str | None) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._wire: Wire | None = None
        self._connecting = asyncio.Lock()
        self._closed = False
        self._retired: list[tuple[float, Wire]] = []

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

    async def collection(
        self, path: str, selected: Selected = ALL, part: Callable[[Json], Json] = lambda thing: thing
    ) -> tuple[list[Json], str]:
        """The objects of a collection, or `part` of each, and the version to watch from. Raises Expired to begin anew.

        Read in pages, so that no more than one of them is held whole.
        """
        items: list[Json] = []
        query = {"limit": PAGE} | selected.query
        while True:
            found = await self._call("GET", path, query)
            items += map(part, found.get("items") or [])
            meta = found.get("metadata") or {}
            if not meta.get("continue"):
                return items, str(meta.get("resourceVersion", ""))
            query = {"limit": PAGE, "continue": str(meta["continue"])} | selected.query

    async def exists(self, path: str) -> bool:
        """Whether the object is there. Only its metadata is asked for, so that a Secret's values stay there."""
        answer = await self._answered("GET", path, {}, None, JSON, METADATA_ONLY)
        if answer.status == 404:
            return False
        if answer.status >= 400:
            raise refusal(self.where, "GET", path, *answer)
        return True

    async def rehearse(self, path: str, operations: list[Json]) -> Json:
        """What a JSON patch would make of the object: a dry run, which admission sees and which applies nothing.

        Raises as `KubernetesWriter.patch`, but never Ambiguous.
        """
        query = {"fieldManager": MANAGER, "dryRun": "All"}
        try:
            return await self._call("PATCH", path, query, operations, "application/json-patch+json")
        except Ambiguous as error:  # nothing is applied by it, whatever became of it
            raise Unreachable(f"dry run: {error.message.removesuffix('; it may be applied')}") from None

    async def ping(self) -> None:
        """Return when the API answers at all. Raises Unreachable when it does not, or not to these credentials."""
        answer = await self._exchange("GET", "/version", {}, None, JSON)
        if answer.status >= 500:
            raise Unreachable(f"{self.where} answers {answer.status}")

    async def text(self, path: str, **query: str) -> str:
        """A plain answer such as a log, not yet cleaned of line ends."""
        answer = await self._answered("GET", path, query, None, JSON)
        if answer.status >= 400:
            raise refusal(self.where, "GET", path, *answer)
        return answer.body.decode("utf-8", "replace")

    async def may(self, verb: str, group: str, resource: str, namespace: str, name: str = "") -> bool:
        """Whether this identity has the right, to the object of that name or to all, by access review."""
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
        attributes |= {"name": name} if name else {}
        return bool((await self.review("SelfSubjectAccessReview", {"resourceAttributes": attributes})).get("allowed"))

    async def review(self, kind: str, spec: Json) -> Json:
        """What the API says of this identity's own rights: the status of a review of that kind."""
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
        answer = await self._call("POST", f"/apis/authorization.k8s.io/v1/{kind.lower()}s", {}, body)
        return dict(answer.get("status") or {})

    async def watch(
        self,
        path: str,
        version: str,
        seconds: int = 240,
        opened: Callable[[], None] = lambda: None,
        selected: Selected = ALL,
    ) -> AsyncIterator[Json]:
        """Events since `version`, until the server ends the watch; `opened` is called once it is in place.

        Raises Expired when `version` is too old.
        """
        query = {
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
            "allowWatchBookmarks": "true",
        } | selected.query
        try:
            async with fair_timeout(CALL_SECONDS):
                exchange = await self._send("GET", path, query, None, JSON)
            try:
                if exchange.status == 401:
                    raise self._not_accepted()
                if exchange.status >= 400:
                    await self._refuse_watch(path, exchange)
                exchange.notice_silence()
                opened()
                async for line in lines(exchange.parts(seconds + CALL_SECONDS)):
                    event: Json = json.loads(line)
                    if event.get("type") == "ERROR":
                        raise watch_error(self.where, path, event.get("object", {}))
                    yield event
            finally:
                await exchange.close()
        except (*ERRORS, TimeoutError, OSError, ValueError) as error:
            raise lost(error, f"{self.where}: the watch of {path} broke: {why(error)}") from None

    async def _refuse_watch(self, path: str, exchange: Exchange) -> None:
        """Raise what stands for an answer that is no watch."""
        words = b"".join([part async for part in exchange.parts(CALL_SECONDS)])[:65_536]
        if exchange.status == 403 and lacks_right(words) and not await self._ready():
            raise Starting(self.where)
        raise refusal(self.where, "watch", path, exchange.status, words, exchange.header("Retry-After"))

    async def close(self) -> None:
        """Close the connections; every later call is refused."""
        self._closed = True
        self._retire()
        await self._close_retired(0.0)

    def _retire(self) -> None:
        """Connect anew at the next call; what others still ask over the old connections may end."""
        if self._wire is not None:
            self._retired.append((time.monotonic(), self._wire))
            self._wire = None

    async def _close_retired(self, age: float) -> None:
        old = [one for one in self._retired if time.monotonic() - one[0] >= age]
        self._retired = [one for one in self._retired if one not in old]
        for _, wire in old:
            await wire.close()

    def _not_accepted(self) -> Unreachable:
        """These credentials are not accepted: the next call reads the kubeconfig anew, after a new login too."""
        self._retire()
        return Unreachable(
            f"{self.where} does not accept these credentials (401): log in again, the token may have expired"
        )

    async def _call(self, method: str, path: str, query: dict[str, str], body: Any = None, kind: str = JSON) -> Json:
        said = await self._answered(method, path, query, body, kind)
        if said.status >= 400:
            raise refusal(self.where, method, path, *said)
        try:
            answer = json.loads(said.body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            words = f"{self.where} answers {method} {path} with something that is not an object"
            raise Ambiguous(f"{words}; it may be applied") if method in WRITES else Unreachable(words)
        return answer

    async def _answered(
        self, method: str, path: str, query: dict[str, str], body: Any, kind: str, accept: str = JSON
    ) -> "_Answer":
        """The answer, where the server is in a state to give one. Raises Starting.

        A server that has just started refuses everybody with the words of a real lack of rights, until it has read its
        roles. It did not look at what was asked then, so that may be asked again.
        """
        answer = await self._exchange(method, path, query, body, kind, accept)
        if answer.status != 403 or not lacks_right(answer.body):
            return answer
        if not await self._ready():
            raise Starting(self.where)
        return await self._exchange(method, path, query, body, kind, accept)

    async def _ready(self) -> bool:
        """False only where the server says itself that it is not ready."""
        return (await self._exchange("GET", "/readyz", {}, None, JSON)).status < 500

    async def _exchange(
        self, method: str, path: str, query: dict[str, str], body: Any, kind: str, accept: str = JSON
    ) -> "_Answer":
        sent = Sent()
        try:
            async with fair_timeout(CALL_SECONDS):
                exchange = await self._send(method, path, query, body, kind, accept, sent if method in WRITES else None)
                try:
                    raw = await bounded_body(exchange.response, BODY_LIMIT)
                finally:
                    await exchange.close()
        except NOT_CONNECTED as error:
            raise Unreachable(f"{self.where} does not accept connections: {why(error)}; check network or VPN") from None
        except (*ERRORS, TimeoutError, OSError, Limit) as error:
            if sent.any:
                words = f"no answer to {method} {path}: {why(error)}; it may be applied"
                raise Ambiguous(f"{self.where}: {words}") from None
            raise lost(error, f"{self.where} does not answer: {why(error)}; check network or VPN") from None
        if exchange.status == 401:
            raise self._not_accepted()
        return _Answer(exchange.status, raw, exchange.header("Retry-After"))

    async def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: Any,
        kind: str,
        accept: str = JSON,
        sent: Sent | None = None,
    ) -> Exchange:
        wire = await self._connected()
        headers = {"Content-Type": kind, "Accept": accept, "User-Agent": MANAGER}
        headers |= {} if "watch" in query else {"Accept-Encoding": "gzip"}
        content = None if body is None else json.dumps(body).encode()
        return await wire.send(method, path + ("?" + urlencode(query) if query else ""), headers, content, sent)

    async def _connected(self) -> Wire:
        async with self._connecting:
            if self._wire is not None and self._wire.identity.expired:
                self._retire()
            wire = self._wire or await connect(self._kubeconfig, self._context)
            if self._closed:
                await wire.close()
                raise Unreachable(f"{self.where}: the connection was closed")
            self._wire = wire
            await self._close_retired(2 * CALL_SECONDS)
            return wire


class KubernetesWriter(KubernetesReader):
    """Also changes objects, each change guarded by what it expects to find."""

    async def patch(self, path: str, operations: list[Json]) -> Json:
        """A JSON patch, all or nothing.

        Raises Stale when a `test` fails, Denied when admission refuses it, Ambiguous when the answer is lost.
        """
        return await self._call("PATCH", path, {"fieldManager": MANAGER}, operations, "application/json-patch+json")

    async def delete(self, path: str, uid: str) -> None:
        """Delete the object of this uid and no other. Raises Stale when another one has the name now."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        await self._call("DELETE", path, {}, body)
