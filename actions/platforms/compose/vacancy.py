"""Replicas that are not there, of which a stand-in still holds the settings. Pure."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from actions.platforms.compose import labels

Body = dict[str, Any]


def as_replica(body: Body) -> Body:
    """An inspected stand-in as the replica whose settings it holds; any other container as it is."""
    carried = labels.labels_of(body)
    if labels.TRIAL not in carried or labels.PLACE not in carried:
        return body
    try:
        own = json.loads(carried.get(labels.CARRIED) or "{}")
    except ValueError:  # not written by us: it stands for nothing
        return body
    if not isinstance(own, dict):
        return body
    config = {**body["Config"], "Labels": {str(name): str(value) for name, value in own.items()}}
    return {**body, "Name": f"/{carried[labels.PLACE]}", "Config": config}


def vacant(stand_ins: Iterable[Body], listed: Iterable[Body]) -> dict[str, str]:
    """Stand-ins whose place nobody has; by their ids the id of what was made for that place and never started, or "".

    `listed` are the service's containers. What was never started may be incomplete; the stand-in never is. Where the
    service has as many replicas as it had, Compose made one of another name instead, and no place is vacant.
    """
    holders = {labels.name_of(one): one for one in listed}
    found, room = {}, 0
    for one in sorted(stand_ins, key=_place):
        carried = labels.labels_of(one)
        holder = holders.get(_place(one))
        if _place(one) and (holder is None or carried.get(labels.TRIAL) in _made_for(holder)):
            found[str(one["Id"])] = "" if holder is None else str(holder["Id"])
            room = max(room, _size(carried))
    room -= sum(1 for one in holders.values() if one["Id"] not in found.values())
    return dict(list(found.items())[: max(room, 0)])


def _place(body: Body) -> str:
    return labels.labels_of(body).get(labels.PLACE, "")


def _size(carried: Mapping[str, str]) -> int:
    said = carried.get(labels.SIZE, "")
    return int(said) if said.isdecimal() else 1


def _made_for(holder: Body) -> tuple[str | None, str | None]:
    """The ids of what a container was made to replace, or to bring back; nothing once it was started."""
    if not labels.never_started(holder):
        return None, None
    carried = labels.labels_of(holder)
    return carried.get(labels.REPLACES), carried.get(labels.RESTORES)
