"""Creating and changing objects: what is asked for is read, admitted, validated and noted before it is stored."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.kubernetes.double.admission import Admission
from tests.kubernetes.double.kinds import NAMESPACE, Kind, titled
from tests.kubernetes.double.managers import Managers
from tests.kubernetes.double.patches import json_patch, merge_patch, strategic_merge
from tests.kubernetes.double.routes import APPLY, Request, Target
from tests.kubernetes.double.scale import read_scale, with_scale
from tests.kubernetes.double.schema import WrongType, pruned
from tests.kubernetes.double.status import (
    ApiError,
    Json,
    bad_request,
    conflict,
    invalid,
    not_found,
    unsupported_media,
    wrong_patch,
)
from tests.kubernetes.double.store import copied
from tests.kubernetes.double.strategy import for_create, for_update
from tests.kubernetes.double.validation import validate

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster


class Writes:
    def __init__(self, cluster: "Cluster", admission: Admission) -> None:
        self._cluster, self._admission = cluster, admission
        self._store = cluster.store
        self._managers = Managers()

    def create(self, target: Target, request: Request) -> Json:
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
            meta["name"] = meta["generateName"] + self._cluster.names.suffix(meta["generateName"])
        made = for_create(target.kind, thing)
        self._admission.mutate(target.kind, made, request.dry_run)
        validate(target.kind, made)
        self._admission.validate(target.kind, made, request.dry_run)
        stored = self._store.create(target.kind, made, request.dry_run)
        if not request.dry_run:
            self._managers.update(None, stored, request.manager)
        return titled(target.kind, stored)

    def note_managers(self, old: Json, new: Json, manager: str) -> None:
        """Note who changed what, and write it into the object where somebody applies it."""
        self._managers.update(old, new, manager)
        if fields := self._managers.fields(new):
            new["metadata"]["managedFields"] = fields

    def _object(self, request: Request, target: Target) -> Json:
        body = request.body
        if not isinstance(body, dict) or body.get("kind", target.kind.name) != target.kind.name:
            raise bad_request(f"the object provided is unrecognized (must be of type {target.kind.name})")
        return self._known(target.kind, copied(body), request)

    def _known(self, kind: Kind, thing: Json, request: Request) -> Json:
        """The object without unknown fields, which are told in warnings. Raises ApiError 400, for a patch 422."""
        where = f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: '
        try:
            known, unknown = pruned(kind, thing)
        except WrongType as error:
            raise (
                wrong_patch(thing, str(error)) if request.method == "PATCH" else bad_request(f"{where}{error}")
            ) from None
        told = [f'unknown field "{path}"' for path in unknown]
        if told and request.query.get("fieldValidation") == "Strict":
            why = f"strict decoding error: {', '.join(told)}"
            raise wrong_patch(thing, why) if request.method == "PATCH" else bad_request(where + why)
        if request.query.get("fieldValidation") != "Ignore":
            request.warnings.extend(told)
        return known

    def change(self, target: Target, request: Request) -> Json:
        old = self._store.get(target.kind, target.namespace, target.name)
        seen = read_scale(old) if target.subresource == "scale" else titled(target.kind, old)
        if request.content_type == APPLY and target.verb == "patch":
            return self._apply(target, old, request)
        new = self._patched(seen, request) if target.verb == "patch" else self._replacing(old, request, target)
        if target.subresource != "scale":
            new = self._known(target.kind, new, request)
        if target.subresource == "scale":
            given = new["metadata"].get("resourceVersion")
            new = with_scale(old, new)
            new["metadata"]["resourceVersion"] = given
        self._guard(target, old, new, replacing=target.verb == "update")
        kind = target.kind
        if target.subresource == "status":
            return titled(kind, self._store.write_status(kind, new, request.dry_run))
        written = self._admitted(
            kind, old, new, request, lambda made: self._managers.update(old, made, request.manager)
        )
        return read_scale(written) if target.subresource == "scale" else titled(kind, written)

    def _apply(self, target: Target, old: Json, request: Request) -> Json:
        """Server-side apply to an object that is there. Raises ApiError 409 on a conflict, unless forced."""
        kind, manager = target.kind, request.manager
        config = self._known(kind, request.body, request)
        if request.query.get("force") != "true":
            self._managers.conflicts(kind, old, config, manager)
        new = self._managers.applied(kind, old, config, manager)
        written = self._admitted(kind, old, new, request, lambda made: self._managers.take(old, config, made, manager))
        return titled(kind, written)

    def _admitted(self, kind: Kind, old: Json, new: Json, request: Request, note: Callable[[Json], None]) -> Json:
        """The changed object as stored; `note` writes down who set what."""
        self._admission.mutate(kind, new, request.dry_run)
        made = for_update(kind, old, new)
        validate(kind, made, old)
        self._admission.validate(kind, made, request.dry_run)
        new["metadata"].pop("managedFields", None)
        if not request.dry_run:
            note(made)
        if fields := self._managers.fields(old):
            new["metadata"]["managedFields"] = fields
        return self._store.write(kind, new, request.dry_run)

    def _replacing(self, old: Json, request: Request, target: Target) -> Json:
        body = request.body
        if not isinstance(body, dict):
            raise bad_request("the object provided is unrecognized")
        new = copied(body)
        new["metadata"] = {"name": target.name, "namespace": target.namespace, **(new.get("metadata") or {})}
        if new["metadata"]["name"] != target.name:
            given = new["metadata"]["name"]
            raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({target.name})")
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
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {held['uid']}"
            key = f"/registry/{kind.plural}/{target.namespace}/{name}"
            about = f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {why}"
            raise conflict(kind.resource, name, about)
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
            raise unsupported_media()
        if request.body is None:
            raise bad_request("the body of a patch is empty")
        new: Json = apply[request.content_type](seen, request.body)
        return new


def _unversioned(kind: Kind, name: str, cause: Json) -> ApiError:
    return invalid(kind.name, kind.group, name, [cause])
