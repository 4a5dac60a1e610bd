"""The verbs of the API on the store: everything between a parsed request and the body of its answer, without HTTP."""

import base64
import json
from typing import TYPE_CHECKING, Any

from tests.kubernetes.double.access import Identity, require
from tests.kubernetes.double.deleting import delete
from tests.kubernetes.double.kinds import ACCESS_REVIEW, NAMESPACE, POD, Kind, titled
from tests.kubernetes.double.patches import json_patch, merge_patch, strategic_merge
from tests.kubernetes.double.routes import Request, Target
from tests.kubernetes.double.scale import read_scale, with_scale
from tests.kubernetes.double.selectors import fields_match, labels_match
from tests.kubernetes.double.status import (
    ApiError,
    Json,
    bad_request,
    conflict,
    expired,
    invalid,
    method_not_allowed,
    not_found,
    unsupported_media,
)
from tests.kubernetes.double.store import copied
from tests.kubernetes.double.strategy import for_create, for_update
from tests.kubernetes.double.validation import validate

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v0.0.0-master+$Format:%H$",
    "gitCommit": "$Format:%H$",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "go1.27.3",
    "compiler": "gc",
    "platform": "linux/amd64",
}
Answered = tuple[int, Json | str]


class Api:
    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self._store = cluster.store

    def permit(self, who: Identity, target: Target) -> None:
        """Raise ApiError 403 unless the user may; everyone may ask what they may."""
        if target.kind != ACCESS_REVIEW:
            place = target.name if target.kind == NAMESPACE else target.namespace
            require(who, target.verb, target.resource, target.kind.group, place, target.name)

    def answer(self, who: Identity, target: Target, request: Request) -> Answered:
        """Status and body. Raises ApiError."""
        if target.kind == ACCESS_REVIEW:
            return 201, self._review(who, request)
        with self._store.lock:
            match target.verb:
                case "list":
                    return 200, self.list(target, request.query)
                case "get":
                    return 200, self._get(target, request)
                case "create":
                    return 201, self._create(target, request)
                case "update" | "patch":
                    return 200, self._change(target, request)
                case "delete":
                    return 200, delete(self._cluster, target, request)
                case "deletecollection":
                    return 200, self._delete_all(target, request)
        raise method_not_allowed()

    def _review(self, who: Identity, request: Request) -> Json:
        if not isinstance(request.body, dict):
            raise bad_request("the object provided is unrecognized")
        asked = request.body.get("spec", {}).get("resourceAttributes") or {}
        resource = asked.get("resource", "")
        if asked.get("subresource"):
            resource += f"/{asked['subresource']}"
        allowed = who.may(
            asked.get("verb", ""), resource, asked.get("group", ""), asked.get("namespace", ""), asked.get("name", "")
        )
        body = {"metadata": {}, "spec": request.body.get("spec", {}), "status": {"allowed": allowed}}
        return titled(ACCESS_REVIEW, body)

    def list(self, target: Target, query: dict[str, str]) -> Json:
        """A list, or a page of it when `limit` is given."""
        place = target.namespace or None
        found = [
            copied(thing)
            for thing in self._store.all(target.kind, place)
            if labels_match(query.get("labelSelector"), thing) and fields_match(query.get("fieldSelector"), thing)
        ]
        meta: Json = {"resourceVersion": str(self._store.version)}
        limit, start = int(query.get("limit") or 0), self._resume(query.get("continue"))
        if limit and len(found) > start + limit:
            token = json.dumps({"rv": self._store.version, "start": start + limit})
            meta["continue"] = base64.urlsafe_b64encode(token.encode()).decode()
            meta["remainingItemCount"] = len(found) - start - limit
        page = found[start : start + limit] if limit else found[start:]
        kind = target.kind
        return {"kind": f"{kind.name}List", "apiVersion": kind.api_version, "metadata": meta, "items": page}

    def _resume(self, token: str | None) -> int:
        if not token:
            return 0
        held = json.loads(base64.urlsafe_b64decode(token))
        if held["rv"] < self._store.oldest:
            raise expired(held["rv"], self._store.oldest)
        return int(held["start"])

    def _get(self, target: Target, request: Request) -> Json | str:
        thing = self._store.get(target.kind, target.namespace, target.name)
        if target.subresource == "log" and target.kind == POD:
            _one_container(thing, request.query.get("container"))
            lines = self._cluster.kubelet.log_of(thing)
            tail = int(request.query.get("tailLines") or 0)
            return "".join(f"{line}\n" for line in (lines[-tail:] if tail else lines))
        if target.subresource == "scale":
            return read_scale(thing)
        return titled(target.kind, thing)

    def _create(self, target: Target, request: Request) -> Json:
        thing = self._object(request, target)
        thing["metadata"] = dict(thing.get("metadata") or {})
        meta = thing["metadata"]
        if target.kind.namespaced:
            if meta.setdefault("namespace", target.namespace) != target.namespace:
                raise bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
            if not self._store.has(NAMESPACE, "", target.namespace):
                raise not_found(NAMESPACE.resource, target.namespace)
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + self._cluster.names.suffix()
        made = for_create(target.kind, thing)
        validate(target.kind, made)
        return titled(target.kind, self._store.create(target.kind, made, request.dry_run))

    def _object(self, request: Request, target: Target) -> Json:
        body = request.body
        if not isinstance(body, dict) or body.get("kind", target.kind.name) != target.kind.name:
            raise bad_request(f"the object provided is unrecognized (must be of type {target.kind.name})")
        return copied(body)

    def _change(self, target: Target, request: Request) -> Json:
        old = self._store.get(target.kind, target.namespace, target.name)
        seen = read_scale(old) if target.subresource == "scale" else titled(target.kind, old)
        new = self._patched(seen, request) if target.verb == "patch" else self._replacing(old, request, target)
        if target.subresource == "scale":
            given = new["metadata"].get("resourceVersion")
            new = with_scale(old, new)
            new["metadata"]["resourceVersion"] = given
        self._guard(target, old, new, replacing=target.verb == "update")
        kind = target.kind
        if target.subresource == "status":
            return titled(kind, self._store.write_status(kind, new, request.dry_run))
        validate(kind, for_update(kind, old, new), old)
        written = self._store.write(kind, new, request.dry_run)
        return read_scale(written) if target.subresource == "scale" else titled(kind, written)

    def _replacing(self, old: Json, request: Request, target: Target) -> Json:
        body = request.body
        if not isinstance(body, dict):
            raise bad_request("the object provided is unrecognized")
        new = copied(body)
        new["metadata"] = {"name": target.name, "namespace": target.namespace, **(new.get("metadata") or {})}
        if new["metadata"]["name"] != target.name:
            raise bad_request("the name of the object does not match the name on the URL")
        if not target.kind.namespaced:
            new["metadata"].pop("namespace", None)
        if target.subresource == "scale":
            return {**read_scale(old), **new}
        return new

    def _guard(self, target: Target, old: Json, new: Json, replacing: bool) -> None:
        """Refuse a change that was made on another state, or on another object of the same name."""
        kind, name = target.kind, target.name
        given, uid = new["metadata"].get("resourceVersion"), new["metadata"].get("uid")
        held = old["metadata"]
        if replacing and uid and uid != held["uid"]:
            raise conflict(
                kind.resource,
                name,
                f"Precondition failed: UID in precondition: {uid}, UID in object meta: {held['uid']}",
            )
        if not given and replacing and not kind.unconditional_update:
            why = "must be specified for an update"
            cause = {"reason": "FieldValueInvalid", "message": f"Invalid value: 0: {why}"}
            raise _unversioned(kind, name, cause | {"field": "metadata.resourceVersion"})
        if given and given != held["resourceVersion"]:
            raise conflict(kind.resource, name)

    def _patched(self, seen: Json, request: Request) -> Json:
        apply: dict[str, Any] = {
            "application/json-patch+json": json_patch,
            "application/merge-patch+json": merge_patch,
            "application/strategic-merge-patch+json": strategic_merge,
        }
        if request.content_type not in apply:
            raise unsupported_media(request.content_type)
        if request.body is None:
            raise bad_request("the body of a patch is empty")
        new: Json = apply[request.content_type](seen, request.body)
        return new

    def _delete_all(self, target: Target, request: Request) -> Json:
        page = self.list(target, {key: value for key, value in request.query.items() if key.endswith("Selector")})
        for thing in page["items"]:
            meta = thing["metadata"]
            one = Target(target.kind, "delete", meta.get("namespace", ""), meta["name"])
            delete(self._cluster, one, request)
        return page


def _unversioned(kind: Kind, name: str, cause: Json) -> ApiError:
    return invalid(kind.name, kind.group, name, [cause])


def _one_container(pod: Json, asked: str | None) -> None:
    """Raise ApiError 400 unless it is clear whose log is meant."""
    name, names = pod["metadata"]["name"], [one["name"] for one in pod["spec"]["containers"]]
    if asked is None and len(names) > 1:
        told = " ".join(names)
        raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{told}]")
    if asked is not None and asked not in names:
        raise bad_request(f"container {asked} is not valid for pod {name}")
