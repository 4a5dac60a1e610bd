"""The scale subresource."""

from tests.kubernetes.double.selectors import written
from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import copied


def read_scale(thing: Json) -> Json:
    """A workload seen as a Scale."""
    meta = {key: thing["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": meta,
        "spec": {"replicas": thing["spec"]["replicas"]},
        "status": {"replicas": thing["status"].get("replicas", 0), "selector": written(thing["spec"]["selector"])},
    }


def with_scale(thing: Json, scale: Json) -> Json:
    """The workload with the replicas of a Scale."""
    new = copied(thing)
    new["spec"]["replicas"] = scale["spec"].get("replicas", 0)
    return new
