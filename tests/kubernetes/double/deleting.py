"""Deletion: preconditions, grace for pods, orphans."""

from typing import TYPE_CHECKING

from tests.kubernetes.double.kinds import CONTROLLER_REVISION, POD, REPLICA_SET, WORKLOADS, titled
from tests.kubernetes.double.routes import Request, Target
from tests.kubernetes.double.status import Json, conflict, details
from tests.kubernetes.double.store import copied

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster


def delete(cluster: "Cluster", target: Target, request: Request) -> Json:
    """Delete one object; a pod is only marked, and ended by its kubelet. Raises ApiError 404 and 409."""
    store = cluster.store
    thing = store.peek(target.kind, target.namespace, target.name)
    options = request.body if isinstance(request.body, dict) else {}
    _precondition(target, thing, options.get("preconditions") or {})
    if target.kind == POD:
        grace = _grace(thing, options, request)
        if not request.dry_run and grace > 0:
            return titled(POD, store.begin_deletion(POD, thing, grace))
        if not request.dry_run:
            store.remove(POD, target.namespace, target.name)
        return titled(POD, copied(thing))
    policy = options.get("propagationPolicy") or request.query.get("propagationPolicy")
    if not request.dry_run:
        if policy == "Foreground" and target.kind in WORKLOADS:
            return titled(target.kind, store.begin_foreground(target.kind, thing))
        if policy == "Orphan":
            _orphan(cluster, thing)
        store.remove(target.kind, target.namespace, target.name)
    about = details(target.kind.resource, target.name) | {"uid": thing["metadata"]["uid"]}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": about}


def _precondition(target: Target, thing: Json, asked: Json) -> None:
    for field, word in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        wanted, held = asked.get(field), thing["metadata"][field]
        if wanted and wanted != held:
            why = f"the {word} in the precondition ({wanted}) does not match the {word} in record ({held})."
            raise conflict(_kind(target), target.name, f"{why} The object might have been deleted and then recreated")


def _kind(target: Target) -> str:
    """A precondition names the kind, where other conflicts name the resource."""
    kind = target.kind
    return f"{kind.name}.{kind.group}" if kind.group else kind.name


def _orphan(cluster: "Cluster", owner: Json) -> None:
    for kind in (REPLICA_SET, CONTROLLER_REVISION, POD):
        for thing in cluster.store.owned(kind, owner):
            held = copied(thing)
            del held["metadata"]["ownerReferences"]
            cluster.store.write(kind, held)


def _grace(pod: Json, options: Json, request: Request) -> int:
    given = options.get("gracePeriodSeconds", request.query.get("gracePeriodSeconds"))
    return int(given) if given is not None else int(pod["spec"].get("terminationGracePeriodSeconds", 30))
