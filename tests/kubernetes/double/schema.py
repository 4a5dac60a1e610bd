"""Which fields an object may have, and of what type: as the models of the client package declare them."""

from functools import cache
from typing import Any

from tests.kubernetes.double.kinds import CONFIG_MAP, POD, REPLICA_SET, SERVICE, WORKLOADS, Kind
from tests.kubernetes.double.status import Json

CHECKED = (*WORKLOADS, REPLICA_SET, POD, SERVICE, CONFIG_MAP)
_GO_TYPES = {"str": "string", "int": "int32", "bool": "bool", "float": "float64"}
_JSON_TYPES = ((bool, "bool"), (int, "number"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"))
_FITTING = {"str": (str,), "int": (int,), "bool": (bool,), "float": (int, float), "datetime": (str,)}


class WrongType(Exception):
    """A value of another type than the field's, in the words of Go's decoder."""


def pruned(kind: Kind, thing: Json) -> tuple[Json, list[str]]:
    """The object without fields that its kind does not have, and the paths of those. Raises WrongType."""
    if kind not in CHECKED:
        return thing, []
    unknown: list[str] = []
    return _object(f"V1{kind.name}", thing, (), unknown), unknown


@cache
def _fields(model: str) -> dict[str, str]:
    """The JSON name of every field of a model, and its declared type."""
    from kubernetes.client import models

    found = getattr(models, model)
    return {name: found.openapi_types[attribute] for attribute, name in found.attribute_map.items()}


def _object(model: str, thing: Json, path: tuple[str, ...], unknown: list[str]) -> Json:
    fields, made = _fields(model), {}
    for name, value in thing.items():
        here = (*path, name)
        if name not in fields:
            unknown.append(".".join(here))
        else:
            made[name] = _value(fields[name], value, here, model, unknown)
    return made


def _value(declared: str, value: Any, path: tuple[str, ...], model: str, unknown: list[str]) -> Any:
    if value is None or declared == "object":
        return value
    if declared in _FITTING:
        _fit(value, _FITTING[declared], declared, path, model)
        return value
    if declared.startswith("List["):
        _fit(value, (list,), f"[]{declared[5:-1]}", path, model)
        last = path[-1]
        return [
            _value(declared[5:-1], one, (*path[:-1], f"{last}[{index}]"), model, unknown)
            for index, one in enumerate(value)
        ]
    _fit(value, (dict,), declared, path, model)
    if declared.startswith("Dict["):
        inner = declared[5:-1].partition(", ")[2]
        return {key: _value(inner, one, (*path, key), model, unknown) for key, one in value.items()}
    return _object(declared, value, path, unknown)


def _fit(value: Any, types: tuple[type, ...], declared: str, path: tuple[str, ...], model: str) -> None:
    if isinstance(value, types) and (bool in types or not isinstance(value, bool)):
        return
    given = next(word for type_, word in _JSON_TYPES if isinstance(value, type_))
    where = ".".join(step.partition("[")[0] for step in path)
    struct = model.removeprefix("V1")
    go = _GO_TYPES.get(declared, declared)
    raise WrongType(f"json: cannot unmarshal {given} into Go struct field {struct}.{where} of type {go}")
