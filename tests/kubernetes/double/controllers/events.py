"""Events, with the aggregation that the real recorder does after ten similar ones."""

from typing import TYPE_CHECKING

from tests.kubernetes.double.kinds import EVENT, Kind
from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import stamp

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

SIMILAR = 10


class Recorder:
    """Writes an event an occurrence; a repeated message counts up, the tenth similar one starts a combined event."""

    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self._similar: dict[tuple[str, str, str], set[str]] = {}
        self._names: dict[tuple[str, str, str], str] = {}
        self._serial = 0x18EA2AB85576A17F

    def record(self, kind: Kind, thing: Json, reason: str, message: str, component: str, type_: str = "Normal") -> None:
        uid = thing["metadata"]["uid"]
        similar = self._similar.setdefault((uid, reason, type_), set())
        similar.add(message)
        key = (uid, reason, message)
        if len(similar) >= SIMILAR:
            message = f"(combined from similar events): {message}"
            key = (uid, reason, "(combined)")
        namespace = thing["metadata"].get("namespace", "default")
        store = self._cluster.store
        name = self._names.get(key)
        if name is not None and store.has(EVENT, namespace, name):
            held = store.get(EVENT, namespace, name)
            held |= {"count": held["count"] + 1, "message": message, "lastTimestamp": stamp(self._cluster.clock.wall())}
            store.write(EVENT, held)
            return
        self._serial += 1_000_003
        self._names[key] = f"{thing['metadata']['name']}.{self._serial:x}"
        self._cluster.create(
            EVENT, self._new(self._names[key], namespace, kind, thing, reason, message, component, type_)
        )

    def _new(
        self, name: str, space: str, kind: Kind, thing: Json, reason: str, message: str, component: str, type_: str
    ) -> Json:
        now = stamp(self._cluster.clock.wall())
        about = {"kind": kind.name, "namespace": space, "apiVersion": kind.api_version}
        about |= {key: thing["metadata"][key] for key in ("name", "uid", "resourceVersion")}
        return {
            "metadata": {"name": name, "namespace": space},
            "involvedObject": about,
            "reason": reason,
            "message": message,
            "source": {"component": component},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": type_,
            "eventTime": None,
            "reportingComponent": component,
            "reportingInstance": "",
        }
