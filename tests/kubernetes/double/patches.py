"""The three kinds of patch of the Kubernetes API: JSON patch, merge patch, strategic merge patch."""

import copy
import json
from typing import Any

from tests.kubernetes.double.status import Json, bad_request, patch_refused

MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "ports": "containerPort",
    "conditions": "type",
    "ownerReferences": "uid",
    "topologySpreadConstraints": "topologyKey",
}
"""Lists that a strategic merge patch merges by key; every other list is replaced whole."""


def json_patch(document: Json, operations: Any) -> Json:
    """RFC 6902. Raises ApiError 422 when an operation does not apply or a `test` fails, 400 when it is no list."""
    if not isinstance(operations, list):
        why = "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        raise bad_request(f"error decoding patch: {why}")
    result = copy.deepcopy(document)
    for operation in operations:
        try:
            _apply(result, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise patch_refused() from error
    return result


def _steps(pointer: str) -> list[str]:
    if not pointer.startswith("/"):
        raise ValueError(pointer)
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def _holder(document: Any, pointer: str) -> tuple[Any, str]:
    *before, last = _steps(pointer)
    for step in before:
        document = document[int(step)] if isinstance(document, list) else document[step]
    if not isinstance(document, dict | list):
        raise TypeError(pointer)
    return document, last


def _read(document: Any, pointer: str) -> Any:
    holder, last = _holder(document, pointer)
    return holder[int(last)] if isinstance(holder, list) else holder[last]


def _remove(document: Any, pointer: str) -> None:
    holder, last = _holder(document, pointer)
    del holder[int(last) if isinstance(holder, list) else last]


def _add(document: Any, pointer: str, value: Any) -> None:
    holder, last = _holder(document, pointer)
    if isinstance(holder, list):
        holder.insert(len(holder) if last == "-" else int(last), value)
    else:
        holder[last] = value


def _apply(document: Json, operation: Json) -> None:
    word, path = operation["op"], operation["path"]
    if word == "test":
        _test(document, path, operation.get("value"))
    elif word == "add":
        _add(document, path, copy.deepcopy(operation["value"]))
    elif word == "replace":
        _read(document, path)
        holder, last = _holder(document, path)
        holder[int(last) if isinstance(holder, list) else last] = copy.deepcopy(operation["value"])
    elif word == "remove":
        _remove(document, path)
    elif word in ("move", "copy"):
        value = copy.deepcopy(_read(document, operation["from"]))
        if word == "move":
            _remove(document, operation["from"])
        _add(document, path, value)
    else:
        raise ValueError(word)


def _test(document: Json, path: str, wanted: Any) -> None:
    """Equal as it is written: 1.0 is not 1. What is not there passes for null."""
    try:
        held = _read(document, path)
    except (KeyError, IndexError):
        held = None
    if json.dumps(held, sort_keys=True) != json.dumps(wanted, sort_keys=True):
        raise ValueError(f"test of {path} failed")


def merge_patch(document: Any, patch: Any) -> Any:
    """RFC 7386: objects merge, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_merge(document: Any, patch: Any, field: str = "") -> Any:
    """Kubernetes' own merge: as a merge patch, but known lists merge by key, and `$patch` replaces or deletes."""
    if isinstance(patch, list):
        return _merge_list(document if isinstance(document, list) else [], patch, field)
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if key != "$patch" and value is not None}
    if directive == "delete":
        return {}
    result = copy.deepcopy(document) if isinstance(document, dict) else {}
    retained = patch.get("$retainKeys")
    if retained is not None:
        result = {key: value for key, value in result.items() if key in retained}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            result[name] = [item for item in result.get(name, []) if item not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = strategic_merge(result.get(key), value, key)
    return result


def _merge_list(held: list[Any], patch: list[Any], field: str) -> list[Any]:
    key = MERGE_KEYS.get(field)
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch) or key is None:
        return [copy.deepcopy(item) for item in patch if item != {"$patch": "replace"}]
    result = copy.deepcopy(held)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        at = next((index for index, one in enumerate(result) if one.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            if at is not None:
                del result[at]
        elif at is None:
            result.append(strategic_merge({}, item))
        else:
            result[at] = strategic_merge(result[at], item)
    return result
