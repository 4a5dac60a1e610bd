"""Revisions: of a Deployment in the annotations of its replica sets, of the others in ControllerRevisions."""

from typing import TYPE_CHECKING

from tests.kubernetes.double.controllers.pods import owner_reference
from tests.kubernetes.double.images import Names, canonical
from tests.kubernetes.double.kinds import CONTROLLER_REVISION, DEPLOYMENT, Kind
from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import copied

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

PREFIX = "deployment.kubernetes.io/"
REVISION, EARLIER = PREFIX + "revision", PREFIX + "revision-history"
DESIRED, MAXIMUM = PREFIX + "desired-replicas", PREFIX + "max-replicas"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
NOT_COPIED = {LAST_APPLIED, REVISION, EARLIER, DESIRED, MAXIMUM, "deprecated.deployment.rollback.to"}
HASH = "pod-template-hash"


def number_of(replica_set: Json) -> int:
    return int((replica_set["metadata"].get("annotations") or {}).get(REVISION, "0"))


def same_template(one: Json, other: Json) -> bool:
    """Whether two workloads have the same pod template, the hash label aside."""
    return canonical(one["spec"]["template"]) == canonical(other["spec"]["template"])


def annotate_new(deployment: Json, replica_set: Json, revision: str, exists: bool) -> bool:
    """Bring the annotations of the newest replica set up to date; whether anything changed."""
    notes = replica_set["metadata"].setdefault("annotations", {})
    before = dict(notes)
    own = deployment["metadata"].get("annotations") or {}
    notes |= {key: value for key, value in own.items() if key not in NOT_COPIED}
    old = notes.get(REVISION)
    if int(old or 0) < int(revision):
        notes[REVISION] = revision
        if old is not None:
            earlier = [part for part in notes.get(EARLIER, "").split(",") if part]
            notes[EARLIER] = ",".join([*earlier, old])
    patience = deployment["spec"].get("minReadySeconds", 0)
    patient = replica_set["spec"].get("minReadySeconds", 0) == patience
    if not patient:
        replica_set["spec"]["minReadySeconds"] = patience
    return exists and (notes != before or not patient)


def new_replica_set(names: Names, deployment: Json, revision: str) -> Json:
    """A replica set for the deployment's template, without its size."""
    from tests.kubernetes.double.controllers.rollout import bounds

    spec, template = deployment["spec"], copied(deployment["spec"]["template"])
    hashed = names.hash_of(template)
    labels = {**((template.get("metadata") or {}).get("labels") or {}), HASH: hashed}
    template.setdefault("metadata", {})["labels"] = labels
    selector = copied(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH: hashed}
    meta: Json = {
        "name": f"{deployment['metadata']['name']}-{hashed}",
        "namespace": deployment["metadata"]["namespace"],
        "labels": dict(labels),
        "annotations": {DESIRED: str(spec["replicas"]), MAXIMUM: str(spec["replicas"] + bounds(deployment)[0])},
        "ownerReferences": [owner_reference(DEPLOYMENT, deployment)],
    }
    made: Json = {"metadata": meta, "spec": {"selector": selector, "template": template}}
    annotate_new(deployment, made, revision, exists=False)
    return made


class Revisions:
    """The ControllerRevisions of one kind of workload; `label` is where it writes the hash."""

    def __init__(self, cluster: "Cluster", kind: Kind, label: str) -> None:
        self._cluster, self._kind, self._label = cluster, kind, label

    def of(self, owner: Json) -> list[Json]:
        found = self._cluster.store.owned(CONTROLLER_REVISION, owner)
        return sorted(found, key=lambda one: int(one["revision"]))

    def latest(self, owner: Json) -> Json:
        """The revision of the owner's template: the newest, an older one renumbered, or a new one."""
        held = self.of(owner)
        data = {"spec": {"template": {**copied(owner["spec"]["template"]), "$patch": "replace"}}}
        equal = [one for one in held if one["data"] == data]
        if equal and equal[-1] is held[-1]:
            return held[-1]
        number = int(held[-1]["revision"]) + 1 if held else 1
        if equal:
            renumbered = copied(equal[-1])
            renumbered["revision"] = number
            return self._cluster.store.write(CONTROLLER_REVISION, renumbered)
        return self._cluster.create(CONTROLLER_REVISION, self._new(owner, data, number))

    def _new(self, owner: Json, data: Json, number: int) -> Json:
        hashed = self._cluster.names.hash_of(owner["spec"]["template"])
        labels = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
        meta = {
            "name": f"{owner['metadata']['name']}-{hashed}",
            "namespace": owner["metadata"]["namespace"],
            "labels": {**labels, self._label: hashed},
            "ownerReferences": [owner_reference(self._kind, owner)],
        }
        if notes := owner["metadata"].get("annotations"):
            meta["annotations"] = {key: value for key, value in notes.items() if self._kind.name == "DaemonSet"}
        return {"metadata": {k: v for k, v in meta.items() if v}, "data": data, "revision": number}

    def truncate(self, owner: Json, live: set[str]) -> None:
        """Keep `revisionHistoryLimit` revisions that no pod and no status names."""
        idle = [one for one in self.of(owner) if one["metadata"]["name"] not in live]
        surplus = len(idle) - owner["spec"]["revisionHistoryLimit"]
        for one in idle[: max(surplus, 0)]:
            meta = one["metadata"]
            self._cluster.store.remove(CONTROLLER_REVISION, meta["namespace"], meta["name"])
