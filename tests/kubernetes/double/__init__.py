"""A test double of the Kubernetes API: apiserver, controllers and kubelet in one process, spoken to over HTTP."""

from tests.kubernetes.double.access import Rule
from tests.kubernetes.double.clock import Pace
from tests.kubernetes.double.double import KubernetesDouble
from tests.kubernetes.double.faults import Answer, Delay, Fault, Reset
from tests.kubernetes.double.images import digest_of, version_of

__all__ = ["Answer", "Delay", "Fault", "KubernetesDouble", "Pace", "Reset", "Rule", "digest_of", "version_of"]
