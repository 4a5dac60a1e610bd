"""Removing what rollbacks left after `keep_old_hours`: replaced containers, their file systems, names of ours.

Never part of a rollback. Volumes are never removed, nor anything that runs or that we did not put there.
"""

import asyncio
from collections.abc import Set
from datetime import datetime, timedelta
from typing import Any

from actions.clients.docker.errors import Conflict, Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.platform import Holding
from actions.model.text import clean
from actions.model.workloads import ComposeWorkload
from actions.platforms.compose import labels
from actions.platforms.compose.artefacts import usable_names
from actions.platforms.compose.observe import when
from actions.platforms.compose.sight import alive, inspect

Body = dict[str, Any]

_STAND_IN = timedelta(minutes=10)
"""A run needs its stand-ins for moments; one whose place is empty is all that is left of a replica."""


async def left_overs(
    docker: DockerReader, settings: ComposeWorkload, now: datetime, holding: Holding
) -> tuple[list[str], list[str]]:
    """Ids of containers and names of images of this service whose time is over."""
    oldest = now - timedelta(hours=settings.keep_old_hours)
    listed, images = await asyncio.gather(docker.containers(), docker.images())
    replaced = {labels.labels_of(one).get(labels.REPLACES) for one in listed}
    kept = [one for one in listed if labels.put_away(one) and one["Id"] in replaced and _of_service(one, settings)]
    bodies = [body for body in await asyncio.gather(*(inspect(docker, one["Id"]) for one in kept)) if body is not None]
    containers = [body["Id"] for body in bodies if not alive(body) and _before(body["State"].get("FinishedAt"), oldest)]
    held = {labels.name_of(one) for one in listed if not labels.never_started(one)}
    trials = [one["Id"] for one in listed if _stands_for(one, settings) and _over(one, held, now, oldest)]
    names = [
        name for image in images for name in (*_evidence(image, settings, oldest), *_held(image, settings, holding))
    ]
    return [*containers, *trials], names


async def clean_up(
    reader: DockerReader, writer: DockerWriter, settings: ComposeWorkload, now: datetime, holding: Holding
) -> tuple[str, ...]:
    """Remove what is over; what was removed, in words. Raises Unreachable and Ambiguous."""
    containers, images = await left_overs(reader, settings, now, holding)
    done = [f"removed container {one[:12]}, replaced long ago" for one in containers if await _gone(writer.remove, one)]
    return (
        *done,
        *[f"removed image name {clean(name, limit=200)}" for name in images if await _gone(writer.untag, name)],
    )


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


def _evidence(image: Body, settings: ComposeWorkload, oldest: datetime) -> list[str]:
    """Names of the file system of a replaced container of this service, once it was kept long enough."""
    carried = labels.labels_of(image)
    if labels.EVIDENCE not in carried or not _before(carried.get(labels.EVIDENCE_SINCE), oldest):
        return []
    names = [name for name in image.get("RepoTags") or [] if name.startswith(f"{labels.EVIDENCE_REPOSITORY}:")]
    if settings.project is not None:
        return names if _of_service(image, settings) else []
    return [name for name in names if name.partition("-")[2] == settings.service]


def _held(image: Body, settings: ComposeWorkload, holding: Holding) -> list[str]:
    """Our names of an image that is not to be kept any more, and a run's own name where people have one for it too."""
    names = image.get("RepoTags") or []
    own = f"{labels.keep_repository(settings.project, settings.service)}:"
    over = image["Id"] in holding.let_go
    runs = f"{labels.KEEP_REPOSITORY}:"
    spare = any(name.startswith(own) for name in names) or (image["Id"] in holding.known and usable_names(image))
    return [name for name in names if (over and name.startswith(own)) or (name.startswith(runs) and (over or spare))]


def _stands_for(summary: Body, settings: ComposeWorkload) -> bool:
    """Whether it is a stand-in of this service, or an old one that does not say of which."""
    carried = labels.labels_of(summary)
    mark = labels.service_mark(settings.project or "", settings.service)
    return labels.TRIAL in carried and carried.get(labels.STANDS_FOR, mark) == mark


def _over(summary: Body, held: Set[str], now: datetime, oldest: datetime) -> bool:
    """Whether nobody needs this stand-in any more."""
    made = datetime.fromtimestamp(float(summary.get("Created") or 0), now.tzinfo)
    empty = labels.labels_of(summary).get(labels.PLACE, "") not in held | {""}
    return labels.never_started(summary) and made < (min(oldest, now - _STAND_IN) if empty else now - _STAND_IN)


def _before(stamp: object, oldest: datetime) -> bool:
    at = when(stamp)
    return at is not None and at < oldest
