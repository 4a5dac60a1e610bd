"""Numbers and conditions of a Deployment's rollout, as deploymentutil computes them."""

import math
from typing import TYPE_CHECKING

from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import stamp

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

AVAILABLE, TIMED_OUT, PAUSED, RESUMED = (
    "NewReplicaSetAvailable",
    "ProgressDeadlineExceeded",
    "DeploymentPaused",
    "DeploymentResumed",
)


def share(value: int | str, total: int, up: bool) -> int:
    """A count, or a percentage of `total` rounded up or down."""
    if isinstance(value, int):
        return value
    part = int(value.rstrip("%")) * total / 100
    return math.ceil(part) if up else math.floor(part)


def bounds(deployment: Json) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods; both 0 for Recreate."""
    spec = deployment["spec"]
    rolling = spec["strategy"].get("rollingUpdate")
    if spec["strategy"]["type"] != "RollingUpdate" or not rolling:
        return 0, 0
    surge = share(rolling["maxSurge"], spec["replicas"], up=True)
    lost = share(rolling["maxUnavailable"], spec["replicas"], up=False)
    return surge, min(lost if surge or lost else 1, spec["replicas"])


def total(replica_sets: list[Json], field: str) -> int:
    return sum(one["status"].get(field, 0) for one in replica_sets)


def asked(replica_sets: list[Json]) -> int:
    return sum(int(one["spec"]["replicas"]) for one in replica_sets)


def condition(deployment: Json, kind: str) -> Json | None:
    held = deployment["status"].get("conditions") or []
    return next((one for one in held if one["type"] == kind), None)


class Rollout:
    """Status of Deployments; remembers, in cluster seconds, when each last made progress."""

    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self._progress: dict[str, float] = {}

    def set_condition(self, status: Json, kind: str, state: str, reason: str, message: str, uid: str) -> None:
        """Replace a condition, at the end of the list; the time of transition stays while the state stays."""
        held: list[Json] = status.get("conditions") or []
        before = next((one for one in held if one["type"] == kind), None)
        if before is not None and (before["status"], before["reason"]) == (state, reason):
            return
        now = stamp(self._cluster.clock.wall())
        kept = before["lastTransitionTime"] if before is not None and before["status"] == state else now
        made = {"type": kind, "status": state, "lastUpdateTime": now, "lastTransitionTime": kept}
        status["conditions"] = [one for one in held if one["type"] != kind]
        status["conditions"].append(made | {"reason": reason, "message": message})
        if kind == "Progressing":
            self._progress[uid] = self._cluster.clock.now()

    def counted(self, deployment: Json, new: Json | None, every: list[Json]) -> Json:
        """The status without a verdict on progress."""
        spec, live = deployment["spec"], total(every, "availableReplicas")
        numbers = {
            "replicas": total(every, "replicas"),
            "updatedReplicas": total([new] if new else [], "replicas"),
            "readyReplicas": total(every, "readyReplicas"),
            "availableReplicas": live,
            "unavailableReplicas": max(asked(every) - live, 0),
        }
        status: Json = {"observedGeneration": deployment["metadata"]["generation"]}
        status |= {key: number for key, number in numbers.items() if number}
        status["terminatingReplicas"] = total(every, "terminatingReplicas")
        status["conditions"] = list(deployment["status"].get("conditions") or [])
        enough = live >= spec["replicas"] - bounds(deployment)[1]
        reason = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
        told = f"Deployment {'has' if enough else 'does not have'} minimum availability."
        word = "True" if enough else "False"
        self.set_condition(status, "Available", word, reason, told, deployment["metadata"]["uid"])
        return status

    def judged(self, deployment: Json, new: Json | None, every: list[Json]) -> Json:
        """The status with the Progressing condition brought up to date."""
        status = self.counted(deployment, new, every)
        if "progressDeadlineSeconds" not in deployment["spec"]:
            return status
        uid, name = deployment["metadata"]["uid"], deployment["metadata"]["name"]
        subject = f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{name}"'
        before = condition(deployment, "Progressing")
        settled = status.get("replicas", 0) == status.get("updatedReplicas", 0)
        if settled and before is not None and before["reason"] == AVAILABLE:
            return status
        if complete(deployment, status):
            told = f"{subject} has successfully progressed."
            self.set_condition(status, "Progressing", "True", AVAILABLE, told, uid)
        elif progressing(deployment["status"], status):
            if before is not None:
                status["conditions"] = [one for one in status["conditions"] if one["type"] != "Progressing"]
            told = f"{subject} is progressing."
            self.set_condition(status, "Progressing", "True", "ReplicaSetUpdated", told, uid)
            if before is not None and before["status"] == "True":
                status["conditions"][-1]["lastTransitionTime"] = before["lastTransitionTime"]
        elif self._timed_out(deployment, before, uid):
            told = f"{subject} has timed out progressing."
            self.set_condition(status, "Progressing", "False", TIMED_OUT, told, uid)
        return status

    def _timed_out(self, deployment: Json, before: Json | None, uid: str) -> bool:
        if before is None or before["reason"] in (AVAILABLE, PAUSED):
            return False
        if before["reason"] == TIMED_OUT:
            return True
        since = self._progress.setdefault(uid, self._cluster.clock.now())
        left = since + deployment["spec"]["progressDeadlineSeconds"] - self._cluster.clock.now()
        if left > 0:
            self._cluster.wake(left, patient=True)
        return bool(left <= 0)


def complete(deployment: Json, status: Json) -> bool:
    wanted = deployment["spec"]["replicas"]
    fields = ("updatedReplicas", "replicas", "availableReplicas")
    observed = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    return observed and all(status.get(field, 0) == wanted for field in fields)


def progressing(before: Json, after: Json) -> bool:
    def old(status: Json) -> int:
        return int(status.get("replicas", 0) - status.get("updatedReplicas", 0))

    grown = any(
        after.get(field, 0) > before.get(field, 0)
        for field in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )
    return grown or old(after) < old(before)
