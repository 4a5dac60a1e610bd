"""What one pod says of itself: whether it counts, and what its chosen container runs. Pure."""

from actions.clients.kubernetes_api import Json
from actions.platforms.kubernetes.kinds import REVISION_LABEL


def ready(pod: Json) -> bool:
    """Whether the pod counts as ready."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def ending(pod: Json) -> bool:
    """Whether the pod is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


def finished(pod: Json) -> bool:
    """Whether it will never run again: evicted, or of a node that was shut down. Its controller has replaced it."""
    return (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded")


def stuck(pods: list[Json], revision: str) -> list[Json]:
    """Pods that are not ready and not of `revision`: an ordered StatefulSet waits for them forever (fact 6)."""
    return [pod for pod in pods if not (ready(pod) or ending(pod) or finished(pod)) and not of_revision(pod, revision)]


def of_revision(pod: Json, revision: str) -> bool:
    """Whether it was made from this controller revision."""
    return (pod["metadata"].get("labels") or {}).get(REVISION_LABEL) == revision


def container_of(template: Json, container: str | None) -> str:
    """The name of the container whose image counts: the named one, where the template has it, else its first."""
    names = [str(one.get("name", "")) for one in (template.get("spec") or {}).get("containers") or []]
    return container if container and container in names else next(iter(names), "")


def status_of(pod: Json, container: str) -> Json:
    """The status of the container of that name. Found by name: the kubelet sorts statuses, templates do not."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return next((dict(one) for one in statuses if one.get("name") == container), {})


def waiting_for(pod: Json) -> tuple[str, ...]:
    """What its containers wait for, such as `ImagePullBackOff`."""
    status = pod.get("status") or {}
    containers = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    reasons = (((one.get("state") or {}).get("waiting") or {}).get("reason") for one in containers)
    return tuple(str(reason) for reason in reasons if reason)


def image_id(pod: Json, container: str) -> str:
    """What the container runs: its digest, whatever name the node pulled it under. Empty while it is not known."""
    return str(status_of(pod, container).get("imageID", "")).rpartition("@")[2]


def restarts(pod: Json) -> int:
    """Restarts of all its containers."""
    return sum(int(one.get("restartCount", 0)) for one in (pod.get("status") or {}).get("containerStatuses") or [])
