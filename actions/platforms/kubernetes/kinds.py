"""The three kinds of workload and where their parts are found. Pure data and paths."""

import shlex

from actions.clients.kubernetes_api import Json
from actions.model.base import Fact
from actions.model.workloads import KubernetesWorkload

RUN_ANNOTATION = "vq-tui/run"
CAUSE_ANNOTATION = "kubernetes.io/change-cause"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
REVISION_ANNOTATION = "deployment.kubernetes.io/revision"
HASH_LABEL = "pod-template-hash"
REVISION_LABEL = "controller-revision-hash"


class Kind(Fact):
    """One kind: its plural, and the plural of the objects that keep its history."""

    name: str
    plural: str
    history: str


KINDS = {
    "deployment": Kind(name="Deployment", plural="deployments", history="replicasets"),
    "statefulset": Kind(name="StatefulSet", plural="statefulsets", history="controllerrevisions"),
    "daemonset": Kind(name="DaemonSet", plural="daemonsets", history="controllerrevisions"),
}


class Paths(Fact):
    """API paths of one workload."""

    namespace: str
    name: str
    kind: Kind

    @classmethod
    def of(cls, settings: KubernetesWorkload) -> "Paths":
        """The paths of this workload."""
        return cls(namespace=settings.namespace, name=settings.name, kind=KINDS[settings.kind])

    def apps(self, plural: str) -> str:
        """A collection of the group apps."""
        return f"/apis/apps/v1/namespaces/{self.namespace}/{plural}"

    def core(self, plural: str) -> str:
        """A collection of the core group."""
        return f"/api/v1/namespaces/{self.namespace}/{plural}"

    @property
    def workload(self) -> str:
        """The workload itself."""
        return f"{self.apps(self.kind.plural)}/{self.name}"

    @property
    def autoscalers(self) -> str:
        """The autoscalers of the namespace."""
        return f"/apis/autoscaling/v2/namespaces/{self.namespace}/horizontalpodautoscalers"

    @property
    def endpoints(self) -> str:
        """The endpoint slices of the namespace."""
        return f"/apis/discovery.k8s.io/v1/namespaces/{self.namespace}/endpointslices"


def kubectl(settings: KubernetesWorkload, *words: str) -> str:
    """A kubectl command that reaches this workload's cluster and namespace, whatever the reader's own context is."""
    where = ["kubectl"]
    where += ["--kubeconfig", str(settings.kubeconfig)] if settings.kubeconfig else []
    where += ["--context", settings.context] if settings.context else []
    return shlex.join([*where, "-n", settings.namespace, *words])


def owned(thing: Json, uid: str) -> bool:
    """Whether the controller of `thing` is the object of this uid: names and labels alone are not enough."""
    owners = thing["metadata"].get("ownerReferences") or []
    return any(owner.get("controller") and owner.get("uid") == uid for owner in owners)
