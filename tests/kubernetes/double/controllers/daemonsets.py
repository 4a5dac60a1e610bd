"""The daemon set controller: one pod a node, replaced a few at a time; a pod that is not ready is replaced first."""

from typing import TYPE_CHECKING

from tests.kubernetes.double.controllers.history import Revisions
from tests.kubernetes.double.controllers.pods import available, finished, new_pod, ready, terminating
from tests.kubernetes.double.controllers.rollout import share
from tests.kubernetes.double.kinds import DAEMON_SET, NODE, POD
from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import copied
from tests.kubernetes.double.strategy import TEMPLATE_GENERATION

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

REVISION = "controller-revision-hash"


class DaemonSets:
    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self._revisions = Revisions(cluster, DAEMON_SET, REVISION)

    def sync(self) -> None:
        for daemon_set in self._cluster.store.all(DAEMON_SET):
            self._sync(copied(daemon_set))

    def _sync(self, daemon_set: Json) -> None:
        latest = self._revisions.latest(daemon_set)
        hashed = latest["metadata"]["labels"][REVISION]
        living = "deletionTimestamp" not in daemon_set["metadata"]
        if living:
            self._place(daemon_set, hashed)
        if living and daemon_set["spec"]["updateStrategy"]["type"] == "RollingUpdate":
            self._roll(daemon_set, hashed)
        pods = self._cluster.store.owned(POD, daemon_set)
        self._count(daemon_set, hashed, pods)
        prefix = daemon_set["metadata"]["name"]
        live = {latest["metadata"]["name"], *(f"{prefix}-{pod['metadata']['labels'][REVISION]}" for pod in pods)}
        self._revisions.truncate(daemon_set, live)

    def _place(self, daemon_set: Json, hashed: str) -> None:
        for pod in filter(finished, self._cluster.store.owned(POD, daemon_set)):
            self._cluster.store.begin_deletion(POD, pod, grace=30)
        taken = {pod["spec"].get("nodeName") for pod in self._cluster.store.owned(POD, daemon_set)}
        number = daemon_set["metadata"]["annotations"][TEMPLATE_GENERATION]
        for node in self._cluster.store.all(NODE):
            name = node["metadata"]["name"]
            if name in taken:
                continue
            template = copied(daemon_set["spec"]["template"])
            _bind(template["spec"], name)
            labels = {REVISION: hashed, "pod-template-generation": number}
            pod = new_pod(self._cluster, DAEMON_SET, daemon_set, template, labels)
            told = f"Created pod: {pod['metadata']['name']}"
            self._cluster.events.record(DAEMON_SET, daemon_set, "SuccessfulCreate", told, "daemonset-controller")

    def _roll(self, daemon_set: Json, hashed: str) -> None:
        pods = self._cluster.store.owned(POD, daemon_set)
        nodes = len(self._cluster.store.all(NODE))
        allowed = share(daemon_set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"], nodes, up=True)
        old = [pod for pod in pods if pod["metadata"]["labels"][REVISION] != hashed and not terminating(pod)]
        absent = sum(1 for pod in pods if terminating(pod) or not ready(pod))
        for pod in sorted(old, key=ready):
            if not ready(pod):
                self._cluster.store.begin_deletion(POD, pod, grace=30)
            elif absent < allowed:
                self._cluster.store.begin_deletion(POD, pod, grace=30)
                absent += 1

    def _count(self, daemon_set: Json, hashed: str, pods: list[Json]) -> None:
        wanted = len(self._cluster.store.all(NODE))
        patience = daemon_set["spec"].get("minReadySeconds", 0)
        standing = [pod for pod in pods if not terminating(pod)]
        updated = sum(1 for pod in standing if pod["metadata"]["labels"][REVISION] == hashed)
        live = sum(available(self._cluster, pod, patience) for pod in standing)
        optional = {"updatedNumberScheduled": updated, "numberAvailable": live, "numberUnavailable": wanted - live}
        status = {
            "currentNumberScheduled": len(pods),
            "numberMisscheduled": 0,
            "desiredNumberScheduled": wanted,
            "numberReady": sum(map(ready, standing)),
            "observedGeneration": daemon_set["metadata"]["generation"],
        } | {key: number for key, number in optional.items() if number}
        if status != daemon_set["status"]:
            daemon_set["status"] = status
            self._cluster.store.write_status(DAEMON_SET, daemon_set)


def _bind(spec: Json, node: str) -> None:
    """The node, as affinity too, and the taints that keep no daemon away."""
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    spec["affinity"] = {**(spec.get("affinity") or {}), "nodeAffinity": required}
    spec["nodeName"] = node
    stays = {"not-ready": "NoExecute", "unreachable": "NoExecute"}
    stays |= {f"{what}-pressure": "NoSchedule" for what in ("disk", "memory", "pid")} | {"unschedulable": "NoSchedule"}
    spec.setdefault("tolerations", []).extend(
        {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": effect} for what, effect in stays.items()
    )
