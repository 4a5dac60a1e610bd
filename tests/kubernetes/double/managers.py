"""Field managers: who set which field, and server-side apply with its conflicts."""

from typing import Any

from tests.kubernetes.double.kinds import Kind
from tests.kubernetes.double.patches import MERGE_KEYS, strategic_merge
from tests.kubernetes.double.status import ApiError, Json

Step = tuple[str, ...]
Field = tuple[Step, ...]
Manager = tuple[str, str]
ATOMIC = {"selector"}
"""Maps that are one field: whoever sets one key owns all of it."""


def leaves(thing: Json) -> dict[Field, Any]:
    """Every field of the intent with its value: labels, annotations and spec."""
    meta = thing.get("metadata") or {}
    intent = {key: meta[key] for key in ("labels", "annotations") if meta.get(key)}
    found: dict[Field, Any] = {}
    _walk({"metadata": intent, **({"spec": thing["spec"]} if "spec" in thing else {})}, (), found)
    return found


def _walk(value: Any, path: Field, found: dict[Field, Any]) -> None:
    last = path[-1] if path else ("",)
    key = MERGE_KEYS.get(last[-1]) if last[0] == "f" else None
    if isinstance(value, dict) and value and last[-1] not in ATOMIC:
        for name, inner in value.items():
            _walk(inner, (*path, ("f", name)), found)
    elif isinstance(value, list) and key and all(isinstance(one, dict) and key in one for one in value):
        for one in value:
            _walk(one, (*path, ("k", key, str(one[key]))), found)
    else:
        found[path] = value


def written(path: Field) -> str:
    """As conflicts name a field: `.spec.template.spec.containers[name="x"].image`."""
    return "".join(f".{step[1]}" if step[0] == "f" else f'[{step[1]}="{step[2]}"]' for step in path)


class Managers:
    """Who set each field of each object, by its uid."""

    def __init__(self) -> None:
        self._owners: dict[str, dict[Field, set[Manager]]] = {}

    def update(self, old: Json | None, new: Json, manager: str) -> None:
        """Whoever changes a field by an update owns it from then on, alone."""
        held = self._owners.setdefault(new["metadata"]["uid"], {})
        before, after = leaves(old) if old else {}, leaves(new)
        for gone in held.keys() - after.keys():
            del held[gone]
        for path, value in after.items():
            if path not in before or before[path] != value:
                held[path] = {(manager, "Update")}

    def conflicts(self, kind: Kind, current: Json, config: Json, manager: str) -> None:
        """Raise ApiError 409 where the configuration would change what somebody else has set."""
        held, now = self._owners.get(current["metadata"]["uid"], {}), leaves(current)
        found: list[tuple[str, str]] = []
        for path, value in leaves(config).items():
            if path in now and now[path] != value:
                others = {name for name, way in held.get(path, set()) if (name, way) != (manager, "Apply")}
                found += [(name, written(path)) for name in sorted(others)]
        if found:
            raise _conflict(kind, found)

    def applied(self, kind: Kind, current: Json, config: Json, manager: str) -> Json:
        """The object as the configuration makes it; fields that this manager applied before and left out now go."""
        intent = {key: value for key, value in config.items() if key in ("metadata", "spec")}
        new: Json = strategic_merge(current, intent)
        wanted = leaves(config)
        for path, names in self._owners.get(current["metadata"]["uid"], {}).items():
            if names == {(manager, "Apply")} and path not in wanted:
                _drop(new, path)
        return new

    def take(self, current: Json, config: Json, new: Json, manager: str) -> None:
        """Note an apply: what it changed is its own, what it found as wanted is shared."""
        held, now = self._owners.setdefault(new["metadata"]["uid"], {}), leaves(current)
        for path, value in leaves(config).items():
            shared = held.get(path, set()) if now.get(path) == value else set()
            held[path] = shared | {(manager, "Apply")}
        for gone in held.keys() - leaves(new).keys():
            del held[gone]

    def fields(self, thing: Json) -> list[Json]:
        """`managedFields`, once somebody has applied; before that the double leaves them out."""
        held = self._owners.get(thing["metadata"]["uid"], {})
        managers = sorted({one for names in held.values() for one in names})
        if not any(way == "Apply" for _, way in managers):
            return []
        return [
            {
                "manager": name,
                "operation": way,
                "apiVersion": "apps/v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": _nested([path for path, names in held.items() if (name, way) in names]),
            }
            for name, way in managers
        ]


def _nested(paths: list[Field]) -> Json:
    made: Json = {}
    for path in paths:
        at = made
        for step in path:
            name = f"f:{step[1]}" if step[0] == "f" else f'k:{{"{step[1]}":"{step[2]}"}}'
            at = at.setdefault(name, {})
    return made


def _drop(thing: Json, path: Field) -> None:
    at: Any = thing
    for step in path[:-1]:
        if step[0] == "f":
            at = at.get(step[1], {})
        else:
            at = next((one for one in at if str(one.get(step[1])) == step[2]), {})
    if isinstance(at, dict):
        at.pop(path[-1][1], None)


def _conflict(kind: Kind, found: list[tuple[str, str]]) -> ApiError:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{name}" using {kind.api_version}',
            "field": field,
        }
        for name, field in found
    ]
    if len(found) == 1:
        told = f"1 conflict: {causes[0]['message']}: {found[0][1]}"
    else:
        by_name: dict[str, list[str]] = {}
        for name, field in found:
            by_name.setdefault(name, []).append(f"- {field}")
        parts = [
            f'conflicts with "{name}" using {kind.api_version}:\n' + "\n".join(lines) for name, lines in by_name.items()
        ]
        told = f"{len(found)} conflicts: " + "\n".join(parts)
    return ApiError(409, "Conflict", f"Apply failed with {told}", {"causes": causes})
