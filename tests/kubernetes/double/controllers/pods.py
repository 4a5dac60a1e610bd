"""Pods as their controllers make them and read them."""

from typing import TYPE_CHECKING

from tests.kubernetes.double.kinds import POD, Kind
from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import copied

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def owner_reference(kind: Kind, owner: Json) -> Json:
    meta = owner["metadata"]
    reference = {"apiVersion": kind.api_version, "kind": kind.name, "name": meta["name"], "uid": meta["uid"]}
    return reference | {"controller": True, "blockOwnerDeletion": True}


def new_pod(cluster: "Cluster", kind: Kind, owner: Json, template: Json, labels: Json, name: str = "") -> Json:
    """Create one pod of `template` for `owner`; without a name it gets the owner's and a suffix."""
    head = owner["metadata"]["name"] + "-"
    meta: Json = {"name": name or head + cluster.names.suffix(head), "generateName": head}
    meta["namespace"] = owner["metadata"]["namespace"]
    meta["labels"] = {**((template.get("metadata") or {}).get("labels") or {}), **labels}
    if noted := (template.get("metadata") or {}).get("annotations"):
        meta["annotations"] = dict(noted)
    meta["ownerReferences"] = [owner_reference(kind, owner)]
    spec = copied(template["spec"])
    _admit(spec, cluster.names.suffix("kube-api-access-"))
    return cluster.create(POD, {"metadata": meta, "spec": spec})


def _admit(spec: Json, suffix: str) -> None:
    """What admission adds to every pod: the service account's token, the default tolerations, a priority.

    A toleration that is there for the same taint, whatever its time, stands instead of the default one.
    """
    volume = f"kube-api-access-{suffix}"
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
        {
            "configMap": {
                "name": "service-ca.crt",
                "items": [{"key": "service-ca.crt", "path": "service-ca.crt"}],
            }
        },
    ]
    spec.setdefault("volumes", []).append({"name": volume, "projected": {"sources": sources, "defaultMode": 420}})
    for container in spec["containers"]:
        mount = {"name": volume, "readOnly": True, "mountPath": ACCOUNT}
        container.setdefault("volumeMounts", []).append(mount)
    absent = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    tolerated = {one.get("key") for one in spec.setdefault("tolerations", [])}
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if key not in tolerated:
            spec["tolerations"].append({"key": key, **absent})
    spec |= {"serviceAccountName": "default", "serviceAccount": "default", "priority": 0}
    spec |= {"enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority"}


def terminating(pod: Json) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def finished(pod: Json) -> bool:
    """Whether it will never run again, as an evicted one; nothing but garbage collection removes it."""
    return pod.get("status", {}).get("phase") in ("Failed", "Succeeded")


def active(pods: list[Json]) -> list[Json]:
    """Those a replica set counts (`FilterActivePods`)."""
    return [pod for pod in pods if not terminating(pod) and not finished(pod)]


def ready(pod: Json) -> bool:
    """Whether the pod runs and its Ready condition holds."""
    conditions = pod.get("status", {}).get("conditions") or []
    held = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return held and pod["status"].get("phase") == "Running"


def available(cluster: "Cluster", pod: Json, seconds: int) -> bool:
    """Whether the pod has been ready for `minReadySeconds`; if not yet, a step is asked for when it will have been."""
    if not ready(pod) or terminating(pod):
        return False
    left = seconds - cluster.kubelet.ready_for(pod)
    if seconds and left > 0:
        cluster.wake(left)
        return False
    return True
