"""Replacing a container that Compose has no part in: the old one is stopped, gets another name, and stays as it was.

It is undo and evidence at once; nobody takes a container without Compose's labels for a replica.
"""

import time
from typing import Any

from actions.clients.docker.errors import Conflict
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.errors import Refused, Stale
from actions.model.text import clean
from actions.platforms.compose import labels
from actions.platforms.compose.calls import call, connect
from actions.platforms.compose.job import Job
from actions.platforms.compose.sight import Sight, alive, status
from actions.platforms.compose.unfinished import being_made, clear

Body = dict[str, Any]

NEVER = {"Name": "no", "MaximumRetryCount": 0}
"""The restart policy of a container that is to stay stopped, whatever the engine or its host does."""


class Renaming:
    """Create, connect, disarm, stop, rename twice, start; each only if it was not done yet."""

    def __init__(self, reader: DockerReader, writer: DockerWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def bring(self, job: Job, sight: Sight) -> tuple[Body, float]:
        """The new container, started, and for how many seconds none was. Raises what the engine said, and Stale."""
        params, shown = job.params, clean(job.params.name, limit=100)
        if sight.old is None:
            raise Stale(f"{shown} ({params.old[:12]}) is gone, somebody removed it")
        new = sight.new or await self._create(job)
        await connect(self._writer, new, job.wanted)
        since = time.monotonic()
        await self._take_away(sight.old, job)
        if labels.name_of(new) != params.name:
            await call("rename-new", self._writer.rename, new["Id"], params.name)
        if status(new) == "created":
            job.report(f"starting {shown} as {params.version}")
            await call("start", self._writer.start, new["Id"])
        return new, time.monotonic() - since

    async def _create(self, job: Job) -> Body:
        await clear(self._reader, self._writer, job.params, job.key, job.report)
        name = labels.new_name(job.params.old, job.params.name)
        try:
            made = await call("create", self._writer.create, name, job.wanted.body)
        except Conflict as error:
            taken = await being_made(self._reader, name, self._writer.timeout)
            if labels.labels_of(taken).get(labels.STEP) != job.key:
                raise Refused(f"the name {clean(name, limit=100)} is taken by another container: {error}") from error
            return taken
        return await self._reader.container(made)

    async def _take_away(self, old: Body, job: Job) -> None:
        params = job.params
        if (old["HostConfig"].get("RestartPolicy") or {}).get("Name") not in (None, "", "no"):
            await call("disarm", self._writer.restart_policy, old["Id"], NEVER)
        if alive(old):
            job.report(f"stopping {clean(params.name, limit=100)}")
            await call("stop", self._writer.stop, old["Id"], params.stop_seconds)
        if labels.name_of(old) == params.name:
            await call("rename-old", self._writer.rename, old["Id"], labels.replaced_name(params.name, job.key))
