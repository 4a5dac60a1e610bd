"""What there is of one replacement: the old container, what this step made, and what a way back made again."""

import asyncio
from dataclasses import dataclass
from typing import Any

from actions.clients.docker.errors import Missing
from actions.clients.docker.reader import DockerReader
from actions.model.platform import Probe
from actions.model.text import clean
from actions.model.words import ProbeState
from actions.platforms.compose import labels
from actions.platforms.compose.params import Recreate
from actions.platforms.compose.vacancy import as_replica

Body = dict[str, Any]

RESTORES = labels.RESTORES


@dataclass(frozen=True)
class Sight:
    """Inspected containers. `ours` carry the key of the step; more than one only if somebody copied it.

    `heir` is what somebody's Compose put in the place while none of the others was there.
    """

    old: Body | None
    ours: list[Body]
    restored: Body | None = None
    heir: Body | None = None

    @property
    def new(self) -> Body | None:
        """The container that this step made."""
        return self.ours[0] if self.ours else None


async def look(docker: DockerReader, params: Recreate, key: str) -> Sight:
    """Everything decided from what is there now. Raises Unreachable."""
    old, ours, restored = await asyncio.gather(
        inspect(docker, params.old),
        docker.containers(f"{labels.STEP}={key}"),
        docker.containers(f"{RESTORES}={params.old}"),
    )
    bodies = await asyncio.gather(*(inspect(docker, one["Id"]) for one in [*ours, *restored]))
    found = [body for body in bodies if body is not None]
    again = [one for one in found if labels.labels_of(one).get(RESTORES) == params.old]
    made = [one for one in found if one not in again]
    alone = old is None and not found and params.composed
    return Sight(old, made, again[0] if again else None, await heir_of(docker, params) if alone else None)


async def heir_of(docker: DockerReader, params: Recreate) -> Body | None:
    """The container of that name, or one of another number where the service has as many as it should without it."""
    wanted = (
        f"{labels.PROJECT}={params.project}",
        f"{labels.SERVICE}={params.service}",
        f"{labels.ONE_OFF}=False",
    )
    present = await docker.containers(*wanted)
    others = sorted((one for one in present if one["Id"] not in params.members), key=labels.number_of)
    names = {labels.name_of(one) for one in present}
    named = [one for one in others if labels.name_of(one) == params.name]
    enough = len(present) >= len(params.members)
    more = [one for one in others if enough and labels.name_of(one) not in params.places]
    empty = [name for name in params.places if name not in names]
    # Several places may be empty at a time: each has another heir.
    turn = min(empty.index(params.name), len(more) - 1) if more and params.name in empty else 0
    chosen = [*named, *more[turn:]]
    return await inspect(docker, chosen[0]["Id"]) if chosen else None


async def inspect(docker: DockerReader, container: str) -> Body | None:
    """The container, a stand-in as the replica it stands for; None when there is none of that id."""
    try:
        return as_replica(await docker.container(container))
    except Missing:
        return None


def status(container: Body | None) -> str:
    """The engine's word for its state; `gone` for none."""
    return "gone" if container is None else str(container["State"].get("Status"))


def alive(container: Body) -> bool:
    """Whether its process runs, or the engine keeps starting it again."""
    return status(container) in ("running", "restarting", "paused")


def judge(sight: Sight, params: Recreate, *, removed: bool) -> Probe:
    """How far a replacement got. `removed` says that this run took the old container away, or was about to. Pure."""
    old, new = sight.old, sight.new
    data = {"old": status(old), "new": status(new)}
    if sight.heir is not None:
        done = sight.heir["Image"] == params.image and alive(sight.heir)
        evidence = f"somebody else put {sight.heir['Id'][:12]} in its place, which is {status(sight.heir)}"
        return Probe(state=ProbeState.DONE if done else ProbeState.PARTIAL, evidence=evidence, data=data)
    if new is None and old is None:
        state = ProbeState.PARTIAL if removed else ProbeState.UNKNOWN
        return Probe(state=state, evidence="the old container and the new one are gone", data=data)
    if new is None and old is not None:
        disarmed = (old["HostConfig"].get("RestartPolicy") or {}).get("Name") != params.policy.get("Name")
        if labels.name_of(old) == params.name and alive(old) == params.running and not disarmed:
            return Probe(state=ProbeState.NOT_STARTED, evidence=f"{params.old[:12]} stands as before", data=data)
        return Probe(state=ProbeState.PARTIAL, evidence="the old container is changed, no new one exists", data=data)
    assert new is not None
    done = labels.name_of(new) == params.name and status(new) != "created" and (old is None or not alive(old))
    where = clean(labels.name_of(new), limit=100)
    evidence = f"{new['Id'][:12]} is {status(new)} as {where}, {params.old[:12]} is {status(old)}"
    return Probe(state=ProbeState.DONE if done else ProbeState.PARTIAL, evidence=evidence, data=data)
