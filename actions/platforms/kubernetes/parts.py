"""What of each object is kept in memory: the fields that are read, and nothing else. Pure.

A namespace may hold thousands of pods, and a whole one is some ten kilobytes.
"""

from collections.abc import Iterable
from typing import Any

from actions.clients.kubernetes_api import Json
from actions.platforms.kubernetes.kinds import LAST_APPLIED

OWN = (
    *("name", "namespace", "uid", "resourceVersion", "generation", "labels", "annotations"),
    *("ownerReferences", "deletionTimestamp", "creationTimestamp"),
)
POD_STATUS = ("phase", "message", "reason", "startTime")
CONTAINER_STATUS = ("name", "imageID", "restartCount", "ready")


def workload_part(thing: Json) -> Json:
    """Intent, status, and of its field managers their names and whether they apply the template."""
    meta = _only(thing["metadata"], OWN)
    if LAST_APPLIED in meta.get("annotations", {}):
        meta["annotations"] = {**meta["annotations"], LAST_APPLIED: ""}  # a whole manifest; only its presence counts
    managers = [_manager(one) for one in thing["metadata"].get("managedFields") or []]
    if managers:
        meta["managedFields"] = managers
    return {"metadata": meta, "spec": thing.get("spec") or {}, "status": thing.get("status") or {}}


def history_part(thing: Json) -> Json:
    """A replica set or a controller revision: its template and its number."""
    made: Json = {"metadata": _only(thing["metadata"], OWN)}
    if "spec" in thing:
        made["spec"] = {"template": thing["spec"].get("template")}
    return made | _only(thing, ("data", "revision"))


def pod_part(thing: Json) -> Json:
    """Whose it is, what it runs, and how that is."""
    spec, status = thing.get("spec") or {}, thing.get("status") or {}
    made = _only(status, POD_STATUS)
    made["conditions"] = [_only(one, ("type", "status")) for one in status.get("conditions") or []]
    made["containerStatuses"] = [_container(one) for one in status.get("containerStatuses") or []]
    containers = [_only(one, ("name", "image")) for one in spec.get("containers") or []]
    meta = _only(thing["metadata"], tuple(name for name in OWN if name != "annotations"))
    return {"metadata": meta, "spec": {"containers": containers, **_only(spec, ("nodeName",))}, "status": made}


def node_part(thing: Json) -> Json:
    """Which pods it takes and which images it has."""
    images = [{"names": one.get("names") or []} for one in (thing.get("status") or {}).get("images") or []]
    spec = _only(thing.get("spec") or {}, ("unschedulable", "taints"))
    return {"metadata": _only(thing["metadata"], OWN), "spec": spec, "status": {"images": images}}


def _container(status: Json) -> Json:
    made = _only(status, CONTAINER_STATUS)
    if waiting := (status.get("state") or {}).get("waiting"):
        made["state"] = {"waiting": _only(waiting, ("reason", "message"))}
    if ended := (status.get("lastState") or {}).get("terminated"):
        made["lastState"] = {"terminated": _only(ended, ("reason", "exitCode"))}
    return made


def _manager(entry: Json) -> Json:
    spec = (entry.get("fieldsV1") or {}).get("f:spec") or {}
    template = "f:template" in spec
    return {"manager": str(entry.get("manager")), "operation": entry.get("operation"), "template": template}


def _only(thing: Json, names: Iterable[str]) -> dict[str, Any]:
    return {name: thing[name] for name in names if name in thing}
