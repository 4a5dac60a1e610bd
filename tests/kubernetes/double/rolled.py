"""When a rollout is over and at rest: kubectl's rule, no pod still ending, and the controller's own verdict."""

from tests.kubernetes.double.kinds import DAEMON_SET, STATEFUL_SET, Kind
from tests.kubernetes.double.status import Json


def is_rolled_out(kind: Kind, thing: Json) -> bool:
    spec, status = thing["spec"], thing.get("status") or {}
    if status.get("observedGeneration", 0) < thing["metadata"]["generation"]:
        return False
    if kind == DAEMON_SET:
        wanted = status["desiredNumberScheduled"]
        return bool(status.get("updatedNumberScheduled", 0) == wanted == status.get("numberAvailable", 0))
    wanted = spec["replicas"]
    counts = [status.get(field, 0) for field in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")]
    settled = all(count == wanted for count in counts)
    if kind == STATEFUL_SET:
        return bool(settled and status.get("currentRevision") == status.get("updateRevision"))
    verdicts = {one["type"]: one["reason"] for one in status.get("conditions") or []}
    judged = verdicts.get("Progressing", "NewReplicaSetAvailable") == "NewReplicaSetAvailable"
    return bool(settled and judged and not status.get("terminatingReplicas"))
