"""The verbs of the API on the store: everything between a parsed request and the body of its answer, without HTTP."""

import base64
import json
from typing import TYPE_CHECKING

from tests.kubernetes.double.access import ANY, Access, Identity, require
from tests.kubernetes.double.admission import Admission
from tests.kubernetes.double.deleting import delete
from tests.kubernetes.double.kinds import ACCESS_REVIEW, NAMESPACE, POD, REVIEWS, RULES_REVIEW, titled
from tests.kubernetes.double.routes import Request, Target
from tests.kubernetes.double.scale import read_scale
from tests.kubernetes.double.selectors import fields_match, labels_match
from tests.kubernetes.double.status import (
    Json,
    bad_request,
    expired,
    method_not_allowed,
)
from tests.kubernetes.double.store import copied
from tests.kubernetes.double.writes import Writes

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2",
    "gitCommit": "98b35193b2ac7a23a673325f5e9b830ecd5ba406",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "go1.27.3",
    "compiler": "gc",
    "platform": "linux/amd64",
}
Answered = tuple[int, Json | str]


class Api:
    def __init__(self, cluster: "Cluster", access: Access, admission: Admission) -> None:
        self._cluster = cluster
        self._store = cluster.store
        self._access = access
        self.writes = Writes(cluster, admission)

    def permit(self, who: Identity, target: Target) -> None:
        """Raise ApiError 403 unless the user may; everyone may ask what they may."""
        synced = self._access.synced
        if target.kind not in REVIEWS or not synced:
            place = target.name if target.kind == NAMESPACE else target.namespace
            require(who, target.verb, target.resource, target.kind.group, place, target.name, synced)

    def answer(self, who: Identity, target: Target, request: Request) -> Answered:
        """Status and body. Raises ApiError."""
        if target.kind == RULES_REVIEW:
            return 201, self._rules(who, request)
        if target.kind == ACCESS_REVIEW:
            return 201, self._review(who, request)
        with self._store.lock:
            match target.verb:
                case "list":
                    return 200, self.list(target, request.query)
                case "get":
                    return 200, self._get(target, request)
                case "create":
                    return 201, self.writes.create(target, request)
                case "update" | "patch":
                    return 200, self.writes.change(target, request)
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

    def _rules(self, who: Identity, request: Request) -> Json:
        """What roles grant there; not all that decides where something is denied, which no role can do."""
        if not isinstance(request.body, dict):
            raise bad_request("the object provided is unrecognized")
        namespace = request.body.get("spec", {}).get("namespace", "")
        told = [
            {"verbs": [*rule.verbs], "apiGroups": [*rule.groups], "resources": [*rule.resources]}
            | ({} if ANY in rule.names else {"resourceNames": [*rule.names]})
            for rule in who.rules
            if ANY in rule.namespaces or namespace in rule.namespaces
        ]
        status = {"incomplete": bool(who.denied), "nonResourceRules": [], "resourceRules": told}
        return titled(RULES_REVIEW, {"metadata": {}, "spec": {}, "status": status})

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
        try:
            held = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        except ValueError:
            why = "continue key is not valid: invalid character 'i' looking for beginning of value"
            raise bad_request(f"invalid continue token: {why}") from None
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
        if "as=PartialObjectMetadata" in request.headers.get("accept", ""):
            metadata = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
            return {**metadata, "metadata": thing["metadata"]}
        return titled(target.kind, thing)

    def _delete_all(self, target: Target, request: Request) -> Json:
        page = self.list(target, {key: value for key, value in request.query.items() if key.endswith("Selector")})
        for thing in page["items"]:
            meta = thing["metadata"]
            one = Target(target.kind, "delete", meta.get("namespace", ""), meta["name"])
            delete(self._cluster, one, request)
        return page


def _one_container(pod: Json, asked: str | None) -> None:
    """Raise ApiError 400 unless it is clear whose log is meant."""
    name, names = pod["metadata"]["name"], [one["name"] for one in pod["spec"]["containers"]]
    if asked is None and len(names) > 1:
        told = " ".join(names)
        raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{told}]")
    if asked is not None and asked not in names:
        raise bad_request(f"container {asked} is not valid for pod {name}")
