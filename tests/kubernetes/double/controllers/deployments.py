"""The deployment controller: one replica set a template, revisions, rolling and recreate, pause, scale, history."""

from typing import TYPE_CHECKING

from tests.kubernetes.double.controllers.history import (
    DESIRED,
    MAXIMUM,
    REVISION,
    annotate_new,
    new_replica_set,
    number_of,
    same_template,
)
from tests.kubernetes.double.controllers.rollout import (
    PAUSED,
    RESUMED,
    TIMED_OUT,
    Rollout,
    asked,
    bounds,
    complete,
    total,
)
from tests.kubernetes.double.controllers.rollout import condition as condition_of
from tests.kubernetes.double.kinds import DEPLOYMENT, POD, REPLICA_SET
from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import copied

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

COMPONENT = "deployment-controller"


class Deployments:
    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self._rollout = Rollout(cluster)

    def sync(self) -> None:
        for deployment in self._cluster.store.all(DEPLOYMENT):
            self._sync(copied(deployment))

    def _sync(self, deployment: Json) -> None:
        if "deletionTimestamp" in deployment["metadata"]:
            self._count(deployment, self._current(deployment))
            return
        noted = self._note_pause(deployment)
        paused = deployment["spec"].get("paused", False)
        if noted is not deployment and not paused:
            self._create_after_resume(noted)
            return
        deployment, renumbered = self._renumbered(noted)
        if renumbered:
            return
        if paused or self._scaling(deployment):
            self._resized(deployment, paused)
        elif deployment["spec"]["strategy"]["type"] == "Recreate":
            self._recreate(deployment)
        else:
            self._roll(deployment)

    def _renumbered(self, deployment: Json) -> tuple[Json, bool]:
        """The deployment, and whether the revision moved: its controller then comes back, for its copy is old."""
        new = self._current(deployment)
        if new is None:
            return deployment, False
        before = self._cluster.store.version
        made, _, _ = self._replica_sets(deployment, create=False)
        return made, self._cluster.store.version != before

    def _create_after_resume(self, deployment: Json) -> None:
        """The replica set alone: the status it would be noted in was written a moment ago, so that write conflicts."""
        if self._current(deployment) is None and deployment["spec"]["strategy"]["type"] != "Recreate":
            self._make(deployment, self._cluster.store.owned(REPLICA_SET, deployment))

    def _resized(self, deployment: Json, paused: bool) -> None:
        """Another size is given; counted first on the replica sets as they were read before, then as they are now."""
        deployment, new, old = self._replica_sets(deployment, create=False)
        every = self._cluster.store.owned(REPLICA_SET, deployment)
        self._scale(deployment, new, old)
        if paused:
            self._clean(deployment, old)
        deployment = self._write(deployment, self._rollout.counted(deployment, new, every))
        new, _ = self._fresh(deployment, new)
        self._count(deployment, new)

    def _count(self, deployment: Json, new: Json | None) -> None:
        every = self._cluster.store.owned(REPLICA_SET, deployment)
        self._write(deployment, self._rollout.counted(deployment, new, every))

    def _current(self, deployment: Json) -> Json | None:
        every = self._cluster.store.owned(REPLICA_SET, deployment)
        return next((one for one in every if same_template(one, deployment)), None)

    def _write(self, deployment: Json, status: Json) -> Json:
        deployment["status"] = status
        return self._cluster.store.write_status(DEPLOYMENT, deployment)

    def _fresh(self, deployment: Json, new: Json | None) -> tuple[Json | None, list[Json]]:
        every = self._cluster.store.owned(REPLICA_SET, deployment)
        uid = new["metadata"]["uid"] if new else None
        return next((one for one in every if one["metadata"]["uid"] == uid), None), every

    def _note_pause(self, deployment: Json) -> Json:
        before = condition_of(deployment, "Progressing")
        if "progressDeadlineSeconds" not in deployment["spec"] or (before and before["reason"] == TIMED_OUT):
            return deployment
        paused, noted = deployment["spec"].get("paused", False), bool(before and before["reason"] == PAUSED)
        if paused == noted:
            return deployment
        reason = PAUSED if paused else RESUMED
        told = f"Deployment is {'paused' if paused else 'resumed'}"
        status, uid = deployment["status"], deployment["metadata"]["uid"]
        self._rollout.set_condition(status, "Progressing", "Unknown", reason, told, uid)
        return self._write(deployment, status)

    def _replica_sets(self, deployment: Json, create: bool) -> tuple[Json, Json | None, list[Json]]:
        """The deployment as written back, its template's replica set, the older ones; revisions brought up to date."""
        store = self._cluster.store
        every = store.owned(REPLICA_SET, deployment)
        new = next((one for one in every if same_template(one, deployment)), None)
        old = [one for one in every if one is not new]
        revision = str(max((number_of(one) for one in old), default=0) + 1)
        if new is not None:
            held = copied(new)
            if annotate_new(deployment, held, revision, exists=True):
                return deployment, store.write(REPLICA_SET, held), old
            return self._take_revision(deployment, new), new, old
        if not create:
            return deployment, None, old
        made = self._make(deployment, old)
        deployment["metadata"].setdefault("annotations", {})[REVISION] = revision
        if "progressDeadlineSeconds" in deployment["spec"]:
            told = f'Created new replica set "{made["metadata"]["name"]}"'
            uid, status = deployment["metadata"]["uid"], deployment["status"]
            self._rollout.set_condition(status, "Progressing", "True", "NewReplicaSetCreated", told, uid)
        return self._write(deployment, deployment["status"]), made, old

    def _make(self, deployment: Json, old: list[Json]) -> Json:
        revision = str(max((number_of(one) for one in old), default=0) + 1)
        made = new_replica_set(self._cluster.names, deployment, revision)
        surge, _ = bounds(deployment)
        room = deployment["spec"]["replicas"] + surge - asked(old)
        made["spec"]["replicas"] = max(min(room, deployment["spec"]["replicas"]), 0)
        made = self._cluster.create(REPLICA_SET, made)
        if made["spec"]["replicas"]:
            self._tell(deployment, made, 0, made["spec"]["replicas"])
        return made

    def _take_revision(self, deployment: Json, new: Json) -> Json:
        notes = deployment["metadata"].setdefault("annotations", {})
        revision = new["metadata"]["annotations"].get(REVISION)
        if notes.get(REVISION) == revision:
            return deployment
        notes[REVISION] = revision
        return self._write(deployment, deployment["status"])

    def _tell(self, deployment: Json, replica_set: Json, before: int, after: int) -> None:
        way = "up" if after > before else "down"
        told = f"Scaled {way} replica set {replica_set['metadata']['name']} from {before} to {after}"
        self._cluster.events.record(DEPLOYMENT, deployment, "ScalingReplicaSet", told, COMPONENT)

    def _resize(self, deployment: Json, replica_set: Json, replicas: int) -> bool:
        """Give a replica set another size; whether it had one."""
        held = copied(replica_set)
        surge, _ = bounds(deployment)
        wanted = deployment["spec"]["replicas"]
        held["metadata"]["annotations"] |= {DESIRED: str(wanted), MAXIMUM: str(wanted + surge)}
        before, held["spec"]["replicas"] = held["spec"]["replicas"], replicas
        self._cluster.store.write(REPLICA_SET, held)
        if before != replicas:
            self._tell(deployment, held, before, replicas)
        return bool(before != replicas)

    def _scaling(self, deployment: Json) -> bool:
        wanted = str(deployment["spec"]["replicas"])
        every = self._cluster.store.owned(REPLICA_SET, deployment)
        return any(one["spec"]["replicas"] and one["metadata"]["annotations"].get(DESIRED) != wanted for one in every)

    def _scale(self, deployment: Json, new: Json | None, old: list[Json]) -> None:
        every = [*old, new] if new else list(old)
        active = [one for one in every if one["spec"]["replicas"] > 0]
        wanted = deployment["spec"]["replicas"]
        if not active and not new:
            return
        if len(active) <= 1:
            self._resize(deployment, active[0] if active else every[-1], wanted)
        elif new and new["spec"]["replicas"] == wanted == new["status"].get("availableReplicas", 0):
            for one in old:
                self._resize(deployment, one, 0)
        else:
            self._scale_in_proportion(deployment, active)

    def _scale_in_proportion(self, deployment: Json, active: list[Json]) -> None:
        """Spread the change over the active replica sets by their size; what is left over goes to the largest."""
        wanted, (surge, _) = deployment["spec"]["replicas"], bounds(deployment)
        allowed, held = (wanted + surge if wanted else 0), asked(active)
        largest_first = sorted(active, key=lambda one: -one["spec"]["replicas"])
        sizes = [round(one["spec"]["replicas"] * allowed / held) for one in largest_first]
        sizes[0] = max(sizes[0] + allowed - sum(sizes), 0)
        for one, size in zip(largest_first, sizes, strict=True):
            self._resize(deployment, one, size)

    def _recreate(self, deployment: Json) -> None:
        store = self._cluster.store
        deployment, new, old = self._replica_sets(deployment, create=False)
        if any(one["spec"]["replicas"] for one in old):
            for one in old:
                if one["spec"]["replicas"]:
                    self._resize(deployment, one, 0)
        elif not any(store.owned(POD, one) for one in old):
            deployment, new, old = self._replica_sets(deployment, create=True)
            assert new is not None
            self._resize(deployment, new, deployment["spec"]["replicas"])
        self._finish(deployment, new, old)

    def _roll(self, deployment: Json) -> None:
        deployment, new, old = self._replica_sets(deployment, create=True)
        assert new is not None
        if not self._grow(deployment, new, old):
            self._shrink(deployment, new, old)
        self._finish(deployment, new, old)

    def _finish(self, deployment: Json, new: Json | None, old: list[Json]) -> None:
        if complete(deployment, deployment["status"]):
            self._clean(deployment, old)
        new, every = self._fresh(deployment, new)
        self._write(deployment, self._rollout.judged(deployment, new, every))

    def _grow(self, deployment: Json, new: Json, old: list[Json]) -> bool:
        wanted, size = deployment["spec"]["replicas"], new["spec"]["replicas"]
        if size == wanted:
            return False
        if size < wanted:
            room = wanted + bounds(deployment)[0] - asked([*old, new])
            wanted = size + max(min(room, wanted - size), 0)
        return wanted != size and self._resize(deployment, new, wanted)

    def _shrink(self, deployment: Json, new: Json, old: list[Json]) -> None:
        """Old replica sets give way: first pods that are not available, then as many as the minimum allows."""
        every = [*old, new]
        least = deployment["spec"]["replicas"] - bounds(deployment)[1]
        absent = new["spec"]["replicas"] - new["status"].get("availableReplicas", 0)
        room = asked(every) - least - absent
        sizes = {one["metadata"]["uid"]: one["spec"]["replicas"] for one in old}
        for one in old:
            lost = max(min(room, one["spec"]["replicas"] - one["status"].get("availableReplicas", 0)), 0)
            sizes[one["metadata"]["uid"]] -= lost
            room -= lost
        spare = min(total(every, "availableReplicas") - least, room)
        for one in old:
            gone = max(min(sizes[one["metadata"]["uid"]], spare), 0)
            sizes[one["metadata"]["uid"]] -= gone
            spare -= gone
        for one in old:
            if sizes[one["metadata"]["uid"]] != one["spec"]["replicas"]:
                self._resize(deployment, one, sizes[one["metadata"]["uid"]])

    def _clean(self, deployment: Json, old: list[Json]) -> None:
        """Keep `revisionHistoryLimit` empty old replica sets, the newest."""
        empty = [one for one in old if not one["spec"]["replicas"] and not one["status"].get("replicas")]
        surplus = len(empty) - deployment["spec"]["revisionHistoryLimit"]
        for one in sorted(empty, key=number_of)[: max(surplus, 0)]:
            self._cluster.store.remove(REPLICA_SET, one["metadata"]["namespace"], one["metadata"]["name"])
