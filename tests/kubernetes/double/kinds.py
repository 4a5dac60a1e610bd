"""The kinds of object the double serves, and where each lives in the API."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """One kind; `resource` is `plural.group` as in messages of the API, and the key of the store."""

    group: str
    version: str
    plural: str
    name: str
    namespaced: bool = True
    generation: bool = False
    subresources: frozenset[str] = frozenset()
    unconditional_update: bool = True

    @property
    def resource(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


def _apps(plural: str, name: str, *subresources: str) -> Kind:
    return Kind("apps", "v1", plural, name, generation=True, subresources=frozenset(subresources))


DEPLOYMENT = _apps("deployments", "Deployment", "status", "scale")
REPLICA_SET = _apps("replicasets", "ReplicaSet", "status", "scale")
STATEFUL_SET = _apps("statefulsets", "StatefulSet", "status", "scale")
DAEMON_SET = _apps("daemonsets", "DaemonSet", "status")
CONTROLLER_REVISION = Kind("apps", "v1", "controllerrevisions", "ControllerRevision")
POD = Kind("", "v1", "pods", "Pod", generation=True, subresources=frozenset({"status", "log"}))
SERVICE = Kind("", "v1", "services", "Service", subresources=frozenset({"status"}))
EVENT = Kind("", "v1", "events", "Event")
CONFIG_MAP = Kind("", "v1", "configmaps", "ConfigMap")
CLAIM = Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
SECRET = Kind("", "v1", "secrets", "Secret")
NAMESPACE = Kind("", "v1", "namespaces", "Namespace", namespaced=False, subresources=frozenset({"status"}))
NODE = Kind("", "v1", "nodes", "Node", namespaced=False, subresources=frozenset({"status"}))
ENDPOINT_SLICE = Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
LEASE = Kind("coordination.k8s.io", "v1", "leases", "Lease", unconditional_update=False)
AUTOSCALER = Kind(
    "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", subresources=frozenset({"status"})
)
POD_METRICS = Kind("metrics.k8s.io", "v1beta1", "pods", "PodMetrics")
ACCESS_REVIEW = Kind("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False)
RULES_REVIEW = Kind("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", False)
REVIEWS = (ACCESS_REVIEW, RULES_REVIEW)

KINDS = (
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    DAEMON_SET,
    CONTROLLER_REVISION,
    POD,
    SERVICE,
    EVENT,
    CONFIG_MAP,
    CLAIM,
    SECRET,
    NAMESPACE,
    NODE,
    ENDPOINT_SLICE,
    LEASE,
    AUTOSCALER,
    ACCESS_REVIEW,
    RULES_REVIEW,
)
WORKLOADS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)


def titled(kind: Kind, thing: dict[str, Any]) -> dict[str, Any]:
    """An object as it is answered alone: with its kind, which a list leaves out of its items."""
    return {"kind": kind.name, "apiVersion": kind.api_version, **thing}


def kind_named(name: str) -> Kind:
    """By kind or plural, in any case: `Deployment`, `deployments`. Raises KeyError."""
    for kind in (*KINDS, POD_METRICS):
        if name.lower() in (kind.name.lower(), kind.plural):
            return kind
    raise KeyError(name)
