"""Replacements that another run began and never finished: its executor died, or the engine did later what was given up.

What such a run made and never started serves nobody, holds names that are needed, and has the restart policy that was
taken from the container it was to replace.
"""

from typing import Any

from actions.clients.docker.errors import Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.errors import Ambiguous, VerifyFailed
from actions.model.identity import short_id
from actions.model.text import clean
from actions.model.waiting import Deadline, until
from actions.platforms.compose import labels
from actions.platforms.compose.calls import call
from actions.platforms.compose.params import Recreate
from actions.platforms.compose.sight import inspect, status
from actions.platforms.protocols import Report

Body = dict[str, Any]


async def clear(reader: DockerReader, writer: DockerWriter, params: Recreate, key: str, report: Report) -> None:
    """Remove what other runs made to replace the same container and never started.

    The caller's run holds the target, so that nobody carries those runs out. The engine itself refuses to remove one
    that was started all the same, with Conflict.
    """
    for summary in await reader.containers(f"{labels.REPLACES}={params.old}"):
        body = await inspect(reader, summary["Id"])
        if body is None or not labels.never_started(body) or labels.labels_of(body).get(labels.STEP) == key:
            continue
        run = short_id(str(labels.labels_of(body).get(labels.RUN)))
        report(f"removing {body['Id'][:12]}, which run {clean(run, limit=20)} made and never started")
        try:
            await call("clear", writer.remove, body["Id"])
        except Missing:
            continue


async def being_made(reader: DockerReader, name: str, seconds: float) -> Body:
    """The container that has the name, or gets it: an engine that is slow holds the name while it makes one.

    Raises Ambiguous when it is not there in time.
    """

    async def look() -> Body | None:
        return await inspect(reader, name)

    try:
        found = await until(look, lambda one: one is not None, Deadline(seconds), status, every=0.2)
    except VerifyFailed:
        shown = clean(name, limit=100)
        raise Ambiguous(f"the name {shown} is taken, but no container has it within {seconds:g} s") from None
    assert found is not None
    return found
