"""A container that is never started and holds the settings of a replica while nothing has that replica's name.

It carries none of Compose's labels, so that Compose does not count it. It is made before the replica goes: so it shows
whether the engine takes the settings at all, and it is what a later request plans from, should this run end between
the removal of one container and the start of the next, and nobody go on with it.
"""

import contextlib
import json
from typing import Any

from actions.clients.docker.errors import Conflict, Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.platforms.compose import injected, labels
from actions.platforms.compose.body import Recreation
from actions.platforms.compose.calls import call, connect
from actions.platforms.compose.params import Recreate

Body = dict[str, Any]


async def put_up(
    reader: DockerReader, writer: DockerWriter, params: Recreate, wanted: Recreation, archive: bytes
) -> None:
    """Make it, with the networks and files of the replica. Raises what the engine says of the settings."""
    body = {**wanted.body, "Labels": _marks(params, wanted)}
    name = labels.trial_name(params.old)
    try:
        made = await call("trial", writer.create, name, body)
    except Conflict:  # left by a run that died
        await take_down(writer, params.old)
        made = await call("trial", writer.create, name, body)
    if wanted.networks:
        await connect(writer, await reader.container(made), wanted)
    await injected.put(reader, writer, made, archive)


async def take_down(writer: DockerWriter, old: str) -> None:
    """Remove it, with the nameless volumes that were made for it."""
    with contextlib.suppress(Missing):
        await call("trial-remove", writer.remove, labels.trial_name(old), anonymous=True)


def _marks(params: Recreate, wanted: Recreation) -> dict[str, str]:
    carried = {
        name: value for name, value in (wanted.body.get("Labels") or {}).items() if not name.startswith(labels.OURS)
    }
    return {
        labels.TRIAL: params.old,
        labels.STANDS_FOR: labels.service_mark(params.project, params.service),
        labels.PLACE: params.name,
        labels.SIZE: str(len(params.members)),
        labels.CARRIED: json.dumps(carried),
    }
