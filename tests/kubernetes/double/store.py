"""The double's etcd: objects, one resource version for all, and the history that watches read."""

import copy
import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tests.kubernetes.double.kinds import Kind
from tests.kubernetes.double.status import ApiError, Json, already_exists, conflict, not_found
from tests.kubernetes.double.strategy import for_status_update, for_update

Key = tuple[str, str]
FOREGROUND = "foregroundDeletion"


def copied(thing: Json) -> Json:
    """A deep copy of plain JSON; through the C encoder, since this is the hottest line of the double."""
    made: Json = json.loads(json.dumps(thing))
    return made


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Change:
    """One committed change; `new` is the last state for DELETED, `old` the state before, None for ADDED."""

    version: int
    type: str
    resource: str
    new: Json
    old: Json | None


class Store:
    """Objects are snapshots: nothing handed out by `peek`, `all` or `changes` may be changed by the caller."""

    def __init__(self, wall: Callable[[], datetime], uid: Callable[[str, str], str]) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.version = 100
        self.oldest = 0
        self.bookmarks = 0
        self.changes: list[Change] = []
        self.born: dict[str, int] = {}
        self._wall, self._uid = wall, uid
        self._objects: dict[str, dict[Key, Json]] = {}
        self._births = itertools.count()

    def peek(self, kind: Kind, namespace: str, name: str) -> Json:
        """The stored snapshot. Raises ApiError 404."""
        found = self._objects.get(kind.resource, {}).get((namespace, name))
        if found is None:
            raise not_found(kind.resource, name)
        return found

    def get(self, kind: Kind, namespace: str, name: str) -> Json:
        """A copy that the caller may change. Raises ApiError 404."""
        with self.lock:
            return copied(self.peek(kind, namespace, name))

    def has(self, kind: Kind, namespace: str, name: str) -> bool:
        return (namespace, name) in self._objects.get(kind.resource, {})

    def all(self, kind: Kind, namespace: str | None = None) -> list[Json]:
        """Snapshots in the order of their keys, as a list answers them."""
        held = self._objects.get(kind.resource, {})
        return [thing for (space, _), thing in sorted(held.items()) if namespace is None or space == namespace]

    def owned(self, kind: Kind, owner: Json) -> list[Json]:
        """Snapshots controlled by `owner` (by uid), oldest first."""
        uid = owner["metadata"]["uid"]
        found = [thing for thing in self.all(kind, owner["metadata"]["namespace"]) if controller_of(thing) == uid]
        return sorted(found, key=lambda thing: self.born[thing["metadata"]["uid"]])

    def create(self, kind: Kind, thing: Json, dry_run: bool = False) -> Json:
        """Store a new object that has passed `for_create` and validation. Raises ApiError 409."""
        with self.lock:
            made = copied(thing)
            key = (made["metadata"].get("namespace", ""), made["metadata"]["name"])
            if key in self._objects.setdefault(kind.resource, {}):
                raise already_exists(kind.resource, key[1])
            made["metadata"] |= {"uid": self._uid(kind.name, key[1]), "creationTimestamp": stamp(self._wall())}
            if not dry_run:
                self.born[made["metadata"]["uid"]] = next(self._births)
                self._commit("ADDED", kind, made, None)
            return copied(made)

    def write(self, kind: Kind, thing: Json, dry_run: bool = False) -> Json:
        """Update through the main resource. Raises ApiError 409 on a stale version; an empty change writes nothing."""
        with self.lock:
            old = self.peek(kind, thing["metadata"].get("namespace", ""), thing["metadata"]["name"])
            return self._replace(kind, old, for_update(kind, old, thing), dry_run)

    def write_status(self, kind: Kind, thing: Json, dry_run: bool = False) -> Json:
        """Update through the status subresource, by the same rules."""
        with self.lock:
            old = self.peek(kind, thing["metadata"].get("namespace", ""), thing["metadata"]["name"])
            return self._replace(kind, old, for_status_update(old, thing), dry_run)

    def write_whole(self, kind: Kind, thing: Json) -> Json:
        """Placement and status in one commit, as a pod's binding and its kubelet leave it; no new generation."""
        with self.lock:
            old = self.peek(kind, thing["metadata"]["namespace"], thing["metadata"]["name"])
            return self._replace(kind, old, copied(thing), dry_run=False)

    def _replace(self, kind: Kind, old: Json, new: Json, dry_run: bool) -> Json:
        given = new["metadata"].get("resourceVersion")
        if given and given != old["metadata"]["resourceVersion"]:
            raise conflict(kind.resource, new["metadata"]["name"])
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        if new != old and not dry_run:
            self._commit("MODIFIED", kind, new, old)
        return copied(new)

    def remove(self, kind: Kind, namespace: str, name: str) -> Json:
        """Delete at once. Raises ApiError 404."""
        with self.lock:
            old = self.peek(kind, namespace, name)
            self._commit("DELETED", kind, copied(old), old)
            del self._objects[kind.resource][namespace, name]
            return old

    def begin_deletion(self, kind: Kind, thing: Json, grace: int) -> Json:
        """Mark for graceful deletion, as a pod is until its kubelet has ended it."""
        with self.lock:
            old = self.peek(kind, thing["metadata"]["namespace"], thing["metadata"]["name"])
            if "deletionTimestamp" in old["metadata"]:
                return copied(old)
            new = copied(old)
            new["metadata"] |= {"deletionTimestamp": stamp(self._wall()), "deletionGracePeriodSeconds": grace}
            self._commit("MODIFIED", kind, new, old)
            return copied(new)

    def begin_foreground(self, kind: Kind, thing: Json) -> Json:
        """Mark for deletion after what it owns; the garbage collector removes it then."""
        with self.lock:
            old = self.peek(kind, thing["metadata"]["namespace"], thing["metadata"]["name"])
            if "deletionTimestamp" in old["metadata"]:
                return copied(old)
            new = copied(old)
            new["metadata"] |= {"deletionTimestamp": stamp(self._wall()), "deletionGracePeriodSeconds": 0}
            new["metadata"].setdefault("finalizers", []).append(FOREGROUND)
            if kind.generation:
                new["metadata"]["generation"] += 1
            self._commit("MODIFIED", kind, new, old)
            return copied(new)

    def _commit(self, type_: str, kind: Kind, new: Json, old: Json | None) -> None:
        self.version += 1
        new["metadata"]["resourceVersion"] = str(self.version)
        held = copy.copy(new)
        key = (new["metadata"].get("namespace", ""), new["metadata"]["name"])
        self._objects.setdefault(kind.resource, {})[key] = held
        self.changes.append(Change(self.version, type_, kind.resource, held, old))
        self.changed.notify_all()

    def since(self, version: int) -> list[Change]:
        """Changes after `version`, oldest first; found from the end, since watches read near it."""
        at = len(self.changes)
        while at and self.changes[at - 1].version > version:
            at -= 1
        return self.changes[at:]

    def bookmark(self) -> None:
        """Have every watch that allows it told how far it is, as the server does about once a minute."""
        with self.lock:
            self.bookmarks += 1
            self.changed.notify_all()

    def compact(self) -> None:
        """Forget the history: a watch from before now is answered 410 Gone."""
        with self.lock:
            self.changes.clear()
            self.oldest = self.version
            self.changed.notify_all()


def controller_of(thing: Json) -> str | None:
    """The uid of the owner that controls this object."""
    for owner in thing["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            return str(owner["uid"])
    return None


def missing_is_none(read: Callable[[], Json]) -> Json | None:
    """What `read` answers, or None where the API says 404."""
    try:
        return read()
    except ApiError as error:
        if error.code != 404:
            raise
        return None
