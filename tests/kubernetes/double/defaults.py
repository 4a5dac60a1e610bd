"""What the API server fills in when an object leaves it out."""

from typing import Any

from tests.kubernetes.double.kinds import DAEMON_SET, DEPLOYMENT, POD, REPLICA_SET, SERVICE, STATEFUL_SET, Kind
from tests.kubernetes.double.status import Json

PROBES = ("readinessProbe", "livenessProbe", "startupProbe")


def fill(kind: Kind, thing: Json) -> None:
    """Fill the defaults of one object in place."""
    spec = thing.get("spec")
    if not isinstance(spec, dict):
        return
    if kind in (DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET):
        fill_pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))
    if kind == DEPLOYMENT:
        _fill_deployment(spec)
    elif kind == REPLICA_SET:
        spec.setdefault("replicas", 1)
    elif kind == STATEFUL_SET:
        _fill_stateful_set(spec)
    elif kind == DAEMON_SET:
        _fill_daemon_set(spec)
    elif kind == POD:
        fill_pod_spec(spec)
    elif kind == SERVICE:
        _fill_service(spec)


def _missing(held: Json, **values: Any) -> None:
    for key, value in values.items():
        held.setdefault(key, value)


def _fill_deployment(spec: Json) -> None:
    _missing(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        _missing(strategy.setdefault("rollingUpdate", {}), maxUnavailable="25%", maxSurge="25%")


def _fill_stateful_set(spec: Json) -> None:
    _missing(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady")
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        _missing(strategy.setdefault("rollingUpdate", {}), partition=0)
    _missing(spec.setdefault("persistentVolumeClaimRetentionPolicy", {}), whenDeleted="Retain", whenScaled="Retain")


def _fill_daemon_set(spec: Json) -> None:
    _missing(spec, revisionHistoryLimit=10)
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        _missing(strategy.setdefault("rollingUpdate", {}), maxUnavailable=1, maxSurge=0)


def _fill_service(spec: Json) -> None:
    _missing(spec, type="ClusterIP", sessionAffinity="None", internalTrafficPolicy="Cluster")
    for port in spec.get("ports") or []:
        _missing(port, protocol="TCP")
        port.setdefault("targetPort", port.get("port"))


def fill_pod_spec(spec: Json) -> None:
    """Defaults of a pod's spec, in a template or in a pod."""
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        _fill_container(container)
    _missing(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )


def _fill_container(container: Json) -> None:
    image = str(container.get("image", ""))
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    floating = "@" not in image and tag in ("", "latest")
    _missing(
        container,
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy="Always" if floating else "IfNotPresent",
    )
    for port in container.get("ports") or []:
        port.setdefault("protocol", "TCP")
    for name in PROBES:
        if probe := container.get(name):
            _missing(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            if "httpGet" in probe:
                _missing(probe["httpGet"], path="/", scheme="HTTP")
