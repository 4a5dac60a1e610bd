"""Taking kept evidence away after `keep_old_hours`: replaced containers, file systems kept as images, holding names.

Never part of a rollback. Volumes are never removed, nor anything that runs or that we did not put there.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from actions.clients.docker.errors import Conflict, Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.environment import ComposeWorkload
from actions.model.text import clean
from actions.platforms.compose import labels
from actions.platforms.compose.artefacts import usable_names
from actions.platforms.compose.observe import when
from actions.platforms.compose.sight import alive, inspect

Body = dict[str, Any]


async def left_overs(docker: DockerReader, settings: ComposeWorkload, now: datetime) -> tuple[list[str], list[str]]:
    """Ids of kept containers and names of kept images whose time is over."""
    oldest = now - timedelta(hours=settings.keep_old_hours)
    listed, images = await asyncio.gather(docker.containers(), docker.images())
    replaced = {labels.labels_of(one).get(labels.REPLACES) for one in listed}
    kept = [one for one in listed if labels.put_away(one) and one["Id"] in replaced and _of_service(one, settings)]
    bodies = [body for body in await asyncio.gather(*(inspect(docker, one["Id"]) for one in kept)) if body is not None]
    containers = [body["Id"] for body in bodies if not alive(body) and _before(body["State"].get("FinishedAt"), oldest)]
    return containers, [name for image in images for name in _names(image, oldest)]


async def clean_up(settings: ComposeWorkload, now: datetime) -> tuple[str, ...]:
    """Remove what is over; what was removed, in words. Raises Unreachable and Ambiguous."""
    reader, writer = DockerReader(settings.host, settings.tls), DockerWriter(settings.host, settings.tls)
    try:
        containers, images = await left_overs(reader, settings, now)
        done = [f"container {one[:12]}" for one in containers if await _gone(writer.remove, one)]
        return tuple(done + [f"image {clean(name, limit=200)}" for name in images if await _gone(writer.untag, name)])
    finally:
        await reader.close()
        await writer.close()


async def _gone(remove: Any, name: str) -> bool:
    try:
        await remove(name)
    except Missing:
        return False
    except Conflict:  # somebody uses it: it stays
        return False
    return True


def _of_service(body: Body, settings: ComposeWorkload) -> bool:
    if settings.project is not None:
        carried = labels.labels_of(body)
        return (carried.get(labels.PROJECT), carried.get(labels.SERVICE)) == (settings.project, settings.service)
    return labels.name_of(body).startswith(f"{settings.service}_")


def _names(image: Body, oldest: datetime) -> list[str]:
    names = image.get("RepoTags") or []
    if labels.EVIDENCE in labels.labels_of(image):
        over = _before(labels.labels_of(image).get(labels.EVIDENCE_SINCE), oldest)
        return [name for name in names if over and name.startswith(f"{labels.EVIDENCE_REPOSITORY}:")]
    holding = [name for name in names if name.startswith(f"{labels.KEEP_REPOSITORY}:")]
    return holding if usable_names(image) else []  # the only name of an image is what keeps it


def _before(stamp: object, oldest: datetime) -> bool:
    at = when(stamp)
    return at is not None and at < oldest
