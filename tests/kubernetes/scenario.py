"""The scenario of the recordings, replayed on the double: the recorded requests, and what happened between them."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.kubernetes.comparing import Comparison
from tests.kubernetes.double import KubernetesDouble
from tests.kubernetes.double.images import canonical

RECORDING = Path(__file__).parent / "recordings" / "api-1.36.json"
Json = dict[str, Any]

BUILD = {"gitVersion": "v0.0.0-master+$Format:%H$", "gitCommit": "$Format:%H$", "gitTreeState": ""}
"""What the recorded server said of itself."""

USERS = {"admin": "admin", "viewer (no rights)": "viewer", "nobody": "nobody"}
STALE, WATCHED = "undo with a stale resourceVersion test", "watch deployments during a rollout (managedFields dropped)"
RESTARTED = "restart annotation (rollout restart)"
VERSION = "/metadata/resourceVersion"


def recorded() -> list[Json]:
    held: list[Json] = json.loads(RECORDING.read_text())
    return held


def between(double: KubernetesDouble) -> dict[str, Callable[[], object]]:
    """What happened right before an exchange, by its name; before the others nothing did."""

    def deadline_passes() -> None:
        double.settle()
        double.advance(9)

    def resumed() -> None:
        double.edit("Deployment", "virtualqueue-api", [{"op": "remove", "path": "/spec/paused"}])
        double.settle()

    def worker_updated() -> None:
        double.statefulset("worker", "worker:1", replicas=1)
        double.settle()
        double.release("worker", "worker:2", kind="StatefulSet")
        double.settle()

    return {
        "get deployment, rolled out": double.settle,
        "update image to a release that never turns ready": double.settle,
        "get deployment, progress deadline exceeded": deadline_passes,
        "get deployment after undo": double.settle,
        "get paused deployment": double.settle,
        "scale subresource read": resumed,
        "not found": double.settle,
        "stateful set after an update": worker_updated,
    }


def hashes(exchanges: list[Json]) -> dict[str, str]:
    """Template to hash, as the real server computed them, so that names need no renaming."""
    found: dict[str, str] = {}
    for exchange in exchanges:
        body = exchange["response"].get("body") or {}
        for item in body.get("items", []):
            labels = item["metadata"].get("labels") or {}
            if body["kind"] == "ReplicaSetList":
                found[canonical(item["spec"]["template"])] = labels["pod-template-hash"]
            elif body["kind"] == "ControllerRevisionList":
                template = {key: value for key, value in item["data"]["spec"]["template"].items() if key != "$patch"}
                found[canonical(template)] = labels["controller.kubernetes.io/hash"]
    by_name = {exchange["name"]: exchange["response"] for exchange in exchanges}
    first, *_, last = (event["object"] for event in by_name[WATCHED]["events"])
    found[canonical(by_name[RESTARTED]["body"]["spec"]["template"])] = _hash_told(first)
    found[canonical(last["spec"]["template"])] = _hash_told(last)
    return found


def _hash_told(deployment: Json) -> str:
    """The hash in the name of the replica set that the Progressing condition speaks of."""
    message = next(one["message"] for one in deployment["status"]["conditions"] if one["type"] == "Progressing")
    return str(message.split('"')[1].rpartition("-")[2])


class Replay:
    """Sends the recorded requests in order and keeps, for each, what differs from the recorded answer."""

    def __init__(self, double: KubernetesDouble) -> None:
        self.exchanges = recorded()
        self.differences: dict[str, list[str]] = {}
        self._double, self._comparison = double, Comparison()
        self._http = httpx.Client(base_url=double.url, trust_env=False, timeout=10)
        known = hashes(self.exchanges)
        plain = double.cluster.names.hash_of
        double.cluster.names.hash_of = lambda template: known.get(canonical(template)) or plain(template)
        double.images.image_id = lambda image: f"sha256:{image}"
        double.access.add("viewer")
        double.version |= BUILD

    def run(self) -> "Replay":
        steps = between(self._double)
        with self._http:
            for exchange in self.exchanges:
                steps.get(exchange["name"], lambda: None)()
                if "events" in exchange["response"]:
                    self.differences[exchange["name"]] = self._watch(exchange)
                else:
                    self.differences[exchange["name"]] = self._exchange(exchange)
        return self

    def _headers(self, exchange: Json) -> dict[str, str]:
        token = self._double.access.token(USERS[exchange["as"]])
        content = exchange["request"].get("content_type") or "application/json"
        return {"Authorization": f"Bearer {token}", "Content-Type": content}

    def _exchange(self, exchange: Json) -> list[str]:
        request, response = exchange["request"], exchange["response"]
        body = request["body"]
        answer = self._http.request(
            request["method"],
            request["path"],
            params=request["query"],
            headers=self._headers(exchange),
            content=None if body is None else json.dumps(self._translated(exchange["name"], body)),
        )
        if answer.status_code != response["status"]:
            return [f"status: recorded {response['status']}, seen {answer.status_code} {answer.text[:300]}"]
        return self._comparison.differences(response["body"], _as_then(answer.json()))

    def _translated(self, name: str, body: Any) -> Any:
        """The body with resource versions of this run; the recording shows the stale patch as corrected later."""
        if not isinstance(body, list):
            return body
        body = copy.deepcopy(body)
        for operation in body:
            if operation["path"] == VERSION:
                wanted = "413" if name == STALE else operation["value"]
                operation["value"] = self._comparison.ours("resourceVersion", wanted)
        return body

    def _watch(self, exchange: Json) -> list[str]:
        """The recording begins after the server's first ADDED event, with the change that starts the rollout."""
        request = exchange["request"]
        with self._http.stream(
            "GET", request["path"], params=request["query"], headers=self._headers(exchange)
        ) as stream:
            events = (json.loads(line) for line in stream.iter_lines())
            first = next(events)
            self._double.release("virtualqueue-api", "virtualqueue-api:1.4.3")
            self._double.settle()
            wanted = list(_stages(iter(exchange["response"]["events"])))
            stages = _stages(events)
            seen = [next(stages) for _ in wanted]
        return [*([] if first["type"] == "ADDED" else [f"first: {first}"]), *self._told_apart(wanted, seen)]

    def _told_apart(self, wanted: list[Json], seen: list[Json]) -> list[str]:
        comparison = Comparison()
        found = []
        for index, (one, other) in enumerate(zip(wanted, seen, strict=True)):
            found += [f"event {index}: {line}" for line in comparison.differences(one, other)]
        return found


def _as_then(body: Json) -> Json:
    """Pods as that cluster had them: another name in their volume, and a kubelet's stand-in that wrote less of them."""
    if body.get("kind") != "PodList":
        return body
    made: Json = json.loads(json.dumps(body).replace('"name": "service-ca.crt"', '"name": "openshift-service-ca.crt"'))
    for pod in made["items"]:
        status = pod["status"]
        status.pop("observedGeneration", None)
        held = {one["type"]: one for one in status["conditions"]}
        status["conditions"] = [held[name] for name in ("PodScheduled", "Initialized", "ContainersReady", "Ready")]
        for one in status["conditions"]:
            one.pop("observedGeneration", None)
        for one in status["containerStatuses"]:
            one.pop("containerID", None)
    return made


def _stages(events: Iterator[Json]) -> Iterator[Json]:
    """Events without terminatingReplicas, and without those that then say nothing new.

    How long a pod takes to end, and so in how many events it shows, was up to the stand-in for the kubelet.
    """
    before: Json = {}
    for event in events:
        event["object"]["status"].pop("terminatingReplicas", None)
        told = {**event["object"], "metadata": {**event["object"]["metadata"], "resourceVersion": ""}}
        if told != before:
            yield event
        before = told
