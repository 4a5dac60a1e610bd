"""Label and field selectors."""

import re

from tests.kubernetes.double.status import Json, bad_request

_SET = re.compile(r"^(?P<key>[^\s!=,()]+)\s+(?P<word>in|notin)\s+\((?P<values>[^)]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^\s!=,()]+)\s*(?P<sign>==|!=|=)\s*(?P<value>[^\s=,()]*)$")
_PRESENT = re.compile(r"^(?P<absent>!?)\s*(?P<key>[^\s!=,()]+)$")


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r",(?![^()]*\))", text) if part.strip()]


def _label_part(part: str, labels: Json) -> bool:
    if found := _SET.match(part):
        values = {value.strip() for value in found["values"].split(",")}
        inside = labels.get(found["key"]) in values
        return inside if found["word"] == "in" else not inside
    if found := _EQUAL.match(part):
        same = labels.get(found["key"]) == found["value"]
        return not same if found["sign"] == "!=" else same
    if found := _PRESENT.match(part):
        return (found["key"] in labels) is not bool(found["absent"])
    raise bad_request(f"unable to parse requirement: {part}")


def labels_match(text: str | None, thing: Json) -> bool:
    """Whether a label selector as written in a query (`a=b,c in (d,e),!f`) selects the object."""
    labels = thing["metadata"].get("labels") or {}
    return all(_label_part(part, labels) for part in _parts(text or ""))


def fields_match(text: str | None, thing: Json) -> bool:
    """Whether a field selector (`metadata.name=x,status.phase!=Running`) selects the object."""
    for part in _parts(text or ""):
        found = _EQUAL.match(part)
        if found is None:
            raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
        value: object = thing
        for step in found["key"].split("."):
            value = value.get(step, "") if isinstance(value, dict) else ""
        if (str(value) == found["value"]) is (found["sign"] == "!="):
            return False
    return True


def selects(selector: Json, labels: Json) -> bool:
    """Whether `spec.selector` of a workload (matchLabels, matchExpressions) selects these labels."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for wanted in selector.get("matchExpressions") or []:
        key, operator, values = wanted["key"], wanted["operator"], wanted.get("values") or []
        held = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[operator]
        if not held:
            return False
    return True


def written(selector: Json) -> str:
    """`spec.selector` as the scale subresource writes it: `app=api,tier=web`."""
    return ",".join(f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items()))
