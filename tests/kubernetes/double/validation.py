"""The rules an object must keep, and how the API server says that it does not."""

import json
import re
from typing import Any

from tests.kubernetes.double.kinds import DAEMON_SET, DEPLOYMENT, REPLICA_SET, STATEFUL_SET, Kind
from tests.kubernetes.double.selectors import selects
from tests.kubernetes.double.status import Json, invalid

STATEFUL_SET_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)

_PART = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_PART}(\.{_PART})*")
_NO_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN.pattern}')"
)


def _cause(reason: str, field: str, message: str) -> Json:
    return {"reason": reason, "message": message, "field": field}


def _invalid_value(field: str, value: Any, why: str) -> Json:
    written = json.dumps(value, separators=(",", ":"))
    return _cause("FieldValueInvalid", field, f"Invalid value: {written}: {why}")


def _required(field: str) -> Json:
    return _cause("FieldValueRequired", field, "Required value")


def validate(kind: Kind, new: Json, old: Json | None = None) -> None:
    """Raise ApiError 422 with every cause found. `old` is given on an update."""
    causes = _identity(new, old)
    if kind in (DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET):
        causes += _workload(new)
        if old is not None and new["spec"].get("selector") != old["spec"].get("selector") and kind != STATEFUL_SET:
            causes.append(_invalid_value("spec.selector", new["spec"].get("selector"), "field is immutable"))
    if kind == STATEFUL_SET and old is not None:
        causes += _stateful_set_update(new["spec"], old["spec"])
    if causes:
        raise invalid(kind.name, kind.group, new["metadata"].get("name", ""), causes)


def _identity(new: Json, old: Json | None) -> list[Json]:
    name = new["metadata"].get("name")
    if not name:
        return [_cause("FieldValueRequired", "metadata.name", "Required value: name or generateName is required")]
    if old is None and not (len(name) <= 253 and _SUBDOMAIN.fullmatch(name)):
        return [_invalid_value("metadata.name", name, _NO_SUBDOMAIN)]
    if old is not None and new["metadata"].get("uid") != old["metadata"]["uid"]:
        return [_invalid_value("metadata.uid", new["metadata"].get("uid"), "field is immutable")] * 2
    return []


def _workload(new: Json) -> list[Json]:
    spec = new.get("spec") or {}
    template = spec.get("template") or {}
    causes: list[Json] = []
    replicas = spec.get("replicas", 0)
    if replicas < 0:
        causes.append(_invalid_value("spec.replicas", replicas, "must be greater than or equal to 0"))
    if not (spec.get("selector") or {}).get("matchLabels") and not (spec.get("selector") or {}).get("matchExpressions"):
        causes.append(_required("spec.selector"))
    else:
        labels = (template.get("metadata") or {}).get("labels") or {}
        if not selects(spec["selector"], labels):
            why = "`selector` does not match template `labels`"
            causes.append(_invalid_value("spec.template.metadata.labels", labels, why))
    return causes + _containers((template.get("spec") or {}).get("containers") or [])


def _containers(containers: list[Json]) -> list[Json]:
    where = "spec.template.spec.containers"
    if not containers:
        return [_required(where)]
    causes: list[Json] = []
    for index, container in enumerate(containers):
        causes += [_required(f"{where}[{index}].{field}") for field in ("name", "image") if not container.get(field)]
    return causes


def _stateful_set_update(new: Json, old: Json) -> list[Json]:
    fixed = set(new) | set(old)
    if all(new.get(key) == old.get(key) for key in fixed.difference(STATEFUL_SET_MUTABLE)):
        return []
    *names, last = (f"'{name}'" for name in STATEFUL_SET_MUTABLE)
    why = f"updates to statefulset spec for fields other than {', '.join(names)} and {last} are forbidden"
    return [_cause("FieldValueForbidden", "spec", f"Forbidden: {why}")]
