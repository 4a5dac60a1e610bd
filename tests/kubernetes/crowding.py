"""A namespace full of the pods of others."""

from tests.kubernetes.double import KubernetesDouble
from tests.kubernetes.double.kinds import POD
from tests.kubernetes.double.status import Json


def crowd(double: KubernetesDouble, pods: int) -> None:
    """Put so many finished pods into the namespace, as jobs leave them; no controller looks after them."""
    with double.cluster.store.lock:
        for number in range(pods):
            double.cluster.store.create(POD, _pod(f"job-{number:05}"))


def _pod(name: str) -> Json:
    variables = [{"name": f"SETTING_{at}", "value": "x" * 40} for at in range(40)]
    container = {"name": "job", "image": "reg/job:1", "env": variables, "resources": {}}
    statuses = [{"name": "job", "ready": False, "restartCount": 0, "image": "reg/job:1", "imageID": "", "state": {}}]
    conditions = [{"type": name, "status": "False"} for name in ("Initialized", "Ready", "ContainersReady")]
    return {
        "metadata": {"name": name, "namespace": "vq", "labels": {"job-name": name}, "generation": 1},
        "spec": {"containers": [container], "nodeName": "node-1"},
        "status": {"phase": "Succeeded", "conditions": conditions, "containerStatuses": statuses},
    }
