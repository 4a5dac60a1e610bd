"""The replica set controller: as many pods as asked for, and a status that counts them."""

from typing import TYPE_CHECKING

from tests.kubernetes.double.controllers.pods import active, available, new_pod, ready, terminating
from tests.kubernetes.double.kinds import POD, REPLICA_SET
from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import copied

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

COMPONENT = "replicaset-controller"


class ReplicaSets:
    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster

    def sync(self) -> None:
        for replica_set in self._cluster.store.all(REPLICA_SET):
            if "deletionTimestamp" not in replica_set["metadata"]:
                self._scale(replica_set)
            self._count(replica_set)

    def _scale(self, replica_set: Json) -> None:
        store = self._cluster.store
        pods = active(store.owned(POD, replica_set))
        wanted = replica_set["spec"]["replicas"]
        for _ in range(wanted - len(pods)):
            pod = new_pod(self._cluster, REPLICA_SET, replica_set, replica_set["spec"]["template"], {})
            self._tell(replica_set, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
        youngest_last = sorted(enumerate(pods), key=lambda pair: (ready(pair[1]), -pair[0]))
        for _, pod in youngest_last[: max(len(pods) - wanted, 0)]:
            store.begin_deletion(POD, pod, grace=30)
            self._tell(replica_set, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")

    def _tell(self, replica_set: Json, reason: str, message: str) -> None:
        self._cluster.events.record(REPLICA_SET, replica_set, reason, message, COMPONENT)

    def _count(self, replica_set: Json) -> None:
        pods = self._cluster.store.owned(POD, replica_set)
        standing = active(pods)
        patience = replica_set["spec"].get("minReadySeconds", 0)
        counted = {
            "fullyLabeledReplicas": len(standing),
            "readyReplicas": sum(map(ready, standing)),
            "availableReplicas": sum(available(self._cluster, pod, patience) for pod in standing),
        }
        status = {"replicas": len(standing)} | {key: number for key, number in counted.items() if number}
        status |= {"terminatingReplicas": sum(map(terminating, pods))}
        status |= {"observedGeneration": replica_set["metadata"]["generation"]}
        if status != replica_set.get("status"):
            held = copied(replica_set)
            held["status"] = status
            self._cluster.store.write_status(REPLICA_SET, held)
