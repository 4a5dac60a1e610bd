"""The garbage collector: what an owner owned goes when the owner is gone."""

from typing import TYPE_CHECKING

from tests.kubernetes.double.kinds import (
    CONTROLLER_REVISION,
    DAEMON_SET,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    POD,
    REPLICA_SET,
    SERVICE,
    STATEFUL_SET,
    Kind,
)
from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import FOREGROUND, controller_of

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

OWNERS = (DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, SERVICE)
OWNED = (REPLICA_SET, CONTROLLER_REVISION, POD, ENDPOINT_SLICE)


class Garbage:
    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster

    def sync(self) -> None:
        store = self._cluster.store
        living = {owner["metadata"]["uid"] for kind in OWNERS for owner in store.all(kind)}
        for kind in OWNED:
            for thing in store.all(kind):
                owner = controller_of(thing)
                if owner is None or owner in living:
                    continue
                if kind == POD:
                    store.begin_deletion(kind, thing, grace=30)
                else:
                    store.remove(kind, thing["metadata"]["namespace"], thing["metadata"]["name"])
        for kind in OWNERS:
            for thing in store.all(kind):
                if FOREGROUND in thing["metadata"].get("finalizers", []):
                    self._foreground(kind, thing)

    def _foreground(self, kind: Kind, owner: Json) -> None:
        """First what it owns, then itself; it is seen as being deleted, also by its controller, until then."""
        store = self._cluster.store
        if owner.get("status", {}).get("observedGeneration", 0) < owner["metadata"].get("generation", 0):
            return
        left = [(one, thing) for one in OWNED for thing in store.owned(one, owner)]
        for one, thing in left:
            if one == POD:
                store.begin_deletion(one, thing, grace=30)
            elif one in OWNERS:
                store.begin_foreground(one, thing)
            else:
                store.remove(one, thing["metadata"]["namespace"], thing["metadata"]["name"])
        if not left:
            store.remove(kind, owner["metadata"]["namespace"], owner["metadata"]["name"])
