"""What there is of one replacement: the old container, what this step made, and what a way back made again."""

import asyncio
from dataclasses import dataclass
from typing import Any

from actions.clients.docker.errors import Missing
from actions.clients.docker.reader import DockerReader
from actions.platforms.compose import labels
from actions.platforms.compose.params import Recreate

Body = dict[str, Any]

RESTORES = "vq-tui.restores"
"""On a container that a way back made again because the old one was gone; its value is the old one's id."""


@dataclass(frozen=True)
class Sight:
    """Inspected containers. `ours` carry the key of the step; more than one only if somebody copied it."""

    old: Body | None
    ours: list[Body]
    restored: Body | None = None

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
    again = [one for one in found if RESTORES in labels.labels_of(one)]
    return Sight(old, [one for one in found if one not in again], again[0] if again else None)


async def inspect(docker: DockerReader, container: str) -> Body | None:
    """The container; None when there is none of that id."""
    try:
        return await docker.container(container)
    except Missing:
        return None


def status(container: Body | None) -> str:
    """The engine's word for its state; `gone` for none."""
    return "gone" if container is None else str(container["State"].get("Status"))


def alive(container: Body) -> bool:
    """Whether its process runs, or the engine keeps starting it again."""
    return status(container) in ("running", "restarting", "paused")
