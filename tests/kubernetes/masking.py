"""The recorded answers of a real 1.36.2 control plane, and what is masked in them and in the double's."""

import json
import re
from pathlib import Path
from typing import Any

RECORDING = Path(__file__).parent / "recordings" / "answers-1.36.2.json"
HIDDEN = {"uid", "resourceVersion", "podIP", "imageID", "continue", "hostIP", "containerID", "podIPs", "nodeName"}
_MASKS = (
    (re.compile(r"^\d{4}-\d\d-\d\dT.*"), "TIME"),
    (re.compile(r"patch: Invalid value: \"\{.*\}\": "), "patch: Invalid value: OBJECT: "),
    (re.compile(r"^Invalid value: \"\{\\\".*\}\": "), "Invalid value: OBJECT: "),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UID"),
    (re.compile(r"-[0-9a-z]{7,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b"), "-HASH-SUFFIX"),
    (re.compile(r"^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$"), "kube-api-access-SUFFIX"),
    (re.compile(r"^d1-[bcdfghjklmnpqrstvwxz2456789]{5}$"), "d1-SUFFIX"),
    (re.compile(r"-[bcdfghjklmnpqrstvwxz0-9]{7,10}\b(?=\"|$| |-$)"), "-HASH"),
    (re.compile(r"-HASH-SUF$"), "-HASH-SUFFIX"),
    (re.compile(r"^[bcdfghjklmnpqrstvwxz0-9]{8,10}$"), "HASH"),
)
"""What two runs cannot have in common. The object that a refused patch would have made is told whole: times, uids."""


AS_RECORDED = (
    (re.compile(r"-[0-9a-z]{7,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b"), "-HASH-SUF"),
    (re.compile(r"-[bcdfghjklmnpqrstvwxz0-9]{7,10}\b(?=\"|$| )"), "-HASH"),
    (re.compile(r"^[bcdfghjklmnpqrstvwxz0-9]{8,10}$"), "HASH"),
)
"""What the recording itself masks, beside times and `HIDDEN`."""


def recorded() -> dict[str, Any]:
    """The real answers by their names."""
    return {name: masked(one) for name, one in as_recorded().items()}


def as_recorded() -> dict[str, Any]:
    """The real answers by their names, with all that the recording did not mask."""
    return {one["name"]: one["real"] for one in json.loads(RECORDING.read_text())}


def barely_masked(value: Any) -> Any:
    """The answer as the recording would hold it."""
    if isinstance(value, dict):
        shown = {key: one for key, one in value.items() if key != "managedFields"}
        return {key: "*" if key in HIDDEN else barely_masked(one) for key, one in shown.items()}
    if isinstance(value, list):
        return [barely_masked(one) for one in value]
    if not isinstance(value, str):
        return value
    if re.match(r"^\d{4}-\d\d-\d\dT", value):
        return "TIME"
    for form, word in AS_RECORDED:
        value = form.sub(word, value)
    return value


def masked(value: Any) -> Any:
    """The answer without what is random; a bookmark that comes twice counts once, for its time is the server's own."""
    if isinstance(value, dict):
        shown = {key: one for key, one in value.items() if key != "managedFields"}
        return {key: "*" if key in HIDDEN else masked(one) for key, one in shown.items()}
    if isinstance(value, list):
        made = [masked(one) for one in value]
        return [one for at, one in enumerate(made) if at == 0 or one != made[at - 1] or "BOOKMARK" not in one]
    if isinstance(value, str):
        for form, word in _MASKS:
            value = form.sub(word, value)
    return value
