"""What the API server does to an object between request and store: what may change, and what counts as a change."""

import copy

from tests.kubernetes.double.defaults import fill
from tests.kubernetes.double.kinds import DAEMON_SET, DEPLOYMENT, NAMESPACE, POD, REPLICA_SET, STATEFUL_SET, Kind
from tests.kubernetes.double.status import Json

KEPT = (
    "uid",
    "creationTimestamp",
    "namespace",
    "name",
    "generateName",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "finalizers",
    "generation",
)
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_FIRST_STATUS: dict[Kind, Json] = {
    DEPLOYMENT: {},
    REPLICA_SET: {"replicas": 0},
    STATEFUL_SET: {"replicas": 0, "availableReplicas": 0},
    DAEMON_SET: {
        "currentNumberScheduled": 0,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 0,
        "numberReady": 0,
    },
    POD: {"phase": "Pending", "qosClass": "BestEffort"},
    NAMESPACE: {"phase": "Active"},
}


def for_create(kind: Kind, thing: Json) -> Json:
    """The object as it is first stored: defaults filled, status empty, generation 1."""
    made = copy.deepcopy(thing)
    for field in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink"):
        made["metadata"].pop(field, None)
    made.pop("kind", None)
    made.pop("apiVersion", None)
    fill(kind, made)
    if kind.generation:
        made["metadata"]["generation"] = 1
    if kind in _FIRST_STATUS:
        made["status"] = copy.deepcopy(_FIRST_STATUS[kind])
    if kind == DAEMON_SET:
        made["metadata"].setdefault("annotations", {})[TEMPLATE_GENERATION] = "1"
    return made


def for_update(kind: Kind, old: Json, new: Json) -> Json:
    """The object as an update of its main resource stores it: status kept, generation bumped when the intent changed.

    A Deployment's annotations are part of its intent, because its controller copies them to replica sets.
    """
    made = copy.deepcopy(new)
    made.pop("kind", None)
    made.pop("apiVersion", None)
    for field in KEPT:
        if field != "uid" and field in old["metadata"]:
            made["metadata"][field] = old["metadata"][field]
    made["metadata"].setdefault("uid", old["metadata"]["uid"])
    for empty in ("annotations", "labels"):
        if not made["metadata"].get(empty):
            made["metadata"].pop(empty, None)
    if kind.subresources & {"status"} and "status" in old:
        made["status"] = copy.deepcopy(old["status"])
    fill(kind, made)
    if kind == DAEMON_SET:
        _count_template(old, made)
    if kind.generation and _intent(kind, made) != _intent(kind, old):
        made["metadata"]["generation"] = old["metadata"]["generation"] + 1
    return made


def _count_template(old: Json, new: Json) -> None:
    number = int(old["metadata"]["annotations"][TEMPLATE_GENERATION])
    moved = new["spec"]["template"] != old["spec"]["template"]
    new["metadata"].setdefault("annotations", {})[TEMPLATE_GENERATION] = str(number + moved)


def _intent(kind: Kind, thing: Json) -> tuple[object, object]:
    noted = (thing["metadata"].get("annotations") or {}) if kind == DEPLOYMENT else {}
    return thing.get("spec"), noted


def for_status_update(old: Json, new: Json) -> Json:
    """The object as an update of its status stores it: intent and labels kept, annotations taken."""
    made = copy.deepcopy(old)
    made["status"] = copy.deepcopy(new.get("status", {}))
    made["metadata"]["resourceVersion"] = new["metadata"].get("resourceVersion")
    if noted := new["metadata"].get("annotations"):
        made["metadata"]["annotations"] = copy.deepcopy(noted)
    return made
