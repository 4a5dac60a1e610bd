"""The JSON patches that set a pod template: all or nothing, guarded by what they expect to find. Pure."""

import json
from typing import Any

from actions.clients.kubernetes_api import Json
from actions.model.platform import Change
from actions.platforms.kubernetes.kinds import CAUSE_ANNOTATION, RUN_ANNOTATION

_POINTER = str.maketrans({"~": "~0", "/": "~1"})


def operations(change: Change, workload: Json, template: Json, key: str) -> list[Json]:
    """The guarded JSON patch that sets `template`: nothing happens unless uid and generation are the planned ones."""
    cause = f"vq-tui run {key.partition('.')[0]}: back to {change.params['version']}"
    guarded = {**workload, "metadata": {**workload["metadata"], "generation": change.params["generation"]}}
    return replacing(guarded, template, {RUN_ANNOTATION: key, CAUSE_ANNOTATION: cause})


def replacing(workload: Json, template: Json, annotations: dict[str, str | None]) -> list[Json]:
    """Set template and annotations (None removes) of exactly this state of the workload."""
    meta = workload["metadata"]
    patch: list[Json] = [
        {"op": "test", "path": "/metadata/uid", "value": meta["uid"]},
        {"op": "test", "path": "/metadata/generation", "value": meta["generation"]},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]
    held: dict[str, Any] = meta.get("annotations") or {}
    if not held and any(value is not None for value in annotations.values()):
        patch.append({"op": "add", "path": "/metadata/annotations", "value": {}})
    for name, value in annotations.items():
        path = f"/metadata/annotations/{name.translate(_POINTER)}"
        if value is not None:
            patch.append({"op": "add", "path": path, "value": value})
        elif name in held:
            patch.append({"op": "remove", "path": path})
    return patch


def by_hand(uid: str, template: Json) -> bytes:
    """The way back by hand as a JSON patch. It does not ask for a generation: that has moved on by then."""
    patch = [
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]
    return json.dumps(patch, sort_keys=True).encode()
