"""The stateful set controller: pods in order, updates from the highest down, stuck behind a pod that is not ready."""

from typing import TYPE_CHECKING

from tests.kubernetes.double.controllers.history import Revisions
from tests.kubernetes.double.controllers.pods import available, finished, new_pod, ready, terminating
from tests.kubernetes.double.kinds import POD, STATEFUL_SET
from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import copied

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

REVISION = "controller-revision-hash"


def _ordinal(pod: Json) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])


def _revision(pod: Json) -> str:
    return str(pod["metadata"]["labels"][REVISION])


class StatefulSets:
    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self._revisions = Revisions(cluster, STATEFUL_SET, "controller.kubernetes.io/hash")

    def sync(self) -> None:
        for stateful_set in self._cluster.store.all(STATEFUL_SET):
            self._sync(copied(stateful_set))

    def _sync(self, stateful_set: Json) -> None:
        update = self._revisions.latest(stateful_set)
        named = stateful_set["status"].get("currentRevision")
        held = {one["metadata"]["name"]: one for one in self._revisions.of(stateful_set)}
        current = held.get(named, update)
        pods = self._pods(stateful_set)
        if "deletionTimestamp" not in stateful_set["metadata"]:
            self._move(stateful_set, current, update, pods)
        pods = self._pods(stateful_set)
        self._count(stateful_set, current["metadata"]["name"], update["metadata"]["name"], list(pods.values()))
        live = {current["metadata"]["name"], update["metadata"]["name"], *map(_revision, pods.values())}
        self._revisions.truncate(stateful_set, live)

    def _pods(self, stateful_set: Json) -> dict[int, Json]:
        return {_ordinal(pod): pod for pod in self._cluster.store.owned(POD, stateful_set)}

    def _move(self, stateful_set: Json, current: Json, update: Json, pods: dict[int, Json]) -> None:
        """One step: create what is missing, remove what is too many, then replace by the update strategy."""
        wanted = stateful_set["spec"]["replicas"]
        ordered = stateful_set["spec"]["podManagementPolicy"] == "OrderedReady"
        for ordinal in range(wanted):
            pod = pods.get(ordinal)
            if pod is None:
                self._create(stateful_set, current, update, ordinal)
            elif finished(pod):
                self._delete(stateful_set, pod)
            if ordered and (pod is None or terminating(pod) or not ready(pod)):
                return
        surplus = [pods[ordinal] for ordinal in sorted(pods, reverse=True) if ordinal >= wanted]
        for pod in surplus:
            self._delete(stateful_set, pod)
            if ordered:
                return
        strategy = stateful_set["spec"]["updateStrategy"]
        if strategy["type"] == "RollingUpdate":
            self._roll(stateful_set, strategy.get("rollingUpdate", {}).get("partition", 0), update, pods)

    def _roll(self, stateful_set: Json, partition: int, update: Json, pods: dict[int, Json]) -> None:
        for ordinal in range(stateful_set["spec"]["replicas"] - 1, partition - 1, -1):
            pod = pods.get(ordinal)
            if pod is None or terminating(pod):
                return
            if _revision(pod) != update["metadata"]["name"]:
                self._delete(stateful_set, pod)
                return
            if not ready(pod):
                return

    def _create(self, stateful_set: Json, current: Json, update: Json, ordinal: int) -> None:
        strategy = stateful_set["spec"]["updateStrategy"]
        partition = strategy.get("rollingUpdate", {}).get("partition", 0)
        rolling = strategy["type"] == "RollingUpdate"
        revision = current if rolling and ordinal < partition else update
        name = f"{stateful_set['metadata']['name']}-{ordinal}"
        labels = {"apps.kubernetes.io/pod-index": str(ordinal), REVISION: revision["metadata"]["name"]}
        labels["statefulset.kubernetes.io/pod-name"] = name
        template = {key: value for key, value in revision["data"]["spec"]["template"].items() if key != "$patch"}
        template = copied(template)
        template["spec"] |= {"hostname": name, "subdomain": stateful_set["spec"].get("serviceName", "")}
        new_pod(self._cluster, STATEFUL_SET, stateful_set, template, labels, name)
        self._tell(stateful_set, "SuccessfulCreate", "create", name)

    def _delete(self, stateful_set: Json, pod: Json) -> None:
        if not terminating(pod):
            self._cluster.store.begin_deletion(POD, pod, grace=30)
            self._tell(stateful_set, "SuccessfulDelete", "delete", pod["metadata"]["name"])

    def _tell(self, stateful_set: Json, reason: str, word: str, pod: str) -> None:
        told = f"{word} Pod {pod} in StatefulSet {stateful_set['metadata']['name']} successful"
        self._cluster.events.record(STATEFUL_SET, stateful_set, reason, told, "statefulset-controller")

    def _count(self, stateful_set: Json, current: str, update: str, pods: list[Json]) -> None:
        spec = stateful_set["spec"]
        patience = spec.get("minReadySeconds", 0)
        standing = [_revision(pod) for pod in pods if not terminating(pod)]
        counted = {
            "readyReplicas": sum(map(ready, pods)),
            "currentReplicas": standing.count(current),
            "updatedReplicas": standing.count(update),
        }
        rolling = spec["updateStrategy"]["type"] == "RollingUpdate"
        full = len(pods) == counted["readyReplicas"] == counted["updatedReplicas"] == spec["replicas"]
        if rolling and full:
            current, counted["currentReplicas"] = update, counted["updatedReplicas"]
        status: Json = {"observedGeneration": stateful_set["metadata"]["generation"], "replicas": len(pods)}
        status |= {key: number for key, number in counted.items() if number}
        status |= {"currentRevision": current, "updateRevision": update, "collisionCount": 0}
        status["availableReplicas"] = sum(available(self._cluster, pod, patience) for pod in pods)
        if status != stateful_set["status"]:
            stateful_set["status"] = status
            self._cluster.store.write_status(STATEFUL_SET, stateful_set)
