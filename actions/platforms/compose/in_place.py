"""Replacing a container of Compose under its own name.

Compose takes every container with a service's labels for a replica, whatever its name and state, and labels stay as
long as a container does. So none ever stands beside another: the old one goes before the new one is made, when a
stand-in has shown that the engine takes the settings, and when all that the way back needs is written down.
"""

import contextlib
import time
from dataclasses import replace
from typing import Any

from actions.clients.docker.errors import Conflict, EngineError, Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.errors import Stale
from actions.model.text import clean
from actions.platforms.compose import injected, labels, material, stand_in
from actions.platforms.compose.at_once import all_of
from actions.platforms.compose.body import Recreation
from actions.platforms.compose.calls import call, connect, port_taken
from actions.platforms.compose.evidence import keep_image
from actions.platforms.compose.job import Job
from actions.platforms.compose.logs import keep_log
from actions.platforms.compose.sight import Sight, alive, status
from actions.platforms.compose.unfinished import being_made

Body = dict[str, Any]

_LOG_LINES = 2_000


class InPlace:
    """Stand-in, evidence, stop, remove, create, connect, fill, start; each only if it was not done yet.

    The stand-in goes while the new one is proved.
    """

    def __init__(self, reader: DockerReader, writer: DockerWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def bring(self, job: Job, sight: Sight) -> tuple[Body, float]:
        """The new container, started, and for how many seconds none was. Raises what the engine said."""
        since = time.monotonic()
        new = sight.new
        if new is not None and status(new) != "created" and await self.lacks(new, job.wanted, job.archive):
            job.report(f"{clean(job.params.name, limit=100)} was started before it was complete: it is made again")
            await self._remove(new, job)
            new = None
        if new is None:
            if sight.old is not None:
                await self._prepare(sight.old, job)
                since = time.monotonic()
                await self._remove(sight.old, job)
            new = await self._create(job)
            material.note_made(job.folder, job.params.old, made=True)
        await connect(self._writer, new, job.wanted)
        if status(new) == "created":
            await injected.put(self._reader, self._writer, new["Id"], job.archive)
            job.report(f"starting {clean(job.params.name, limit=100)} as {job.params.version}")
            new = await self._start(new, job)
        return new, time.monotonic() - since

    async def _start(self, new: Body, job: Job) -> Body:
        """What runs then. What cannot be started is taken away again. Raises Stale, and Conflict to look again."""
        try:
            await call("start", self._writer.start, new["Id"])
            return new
        except Missing as error:
            await self._remove(new, job)
            raise Stale(f"somebody took the project down meanwhile: {error.message}") from error
        except EngineError as error:
            if not port_taken(error):
                raise
            await self._remove(new, job)
            if job.loosely is None:  # whoever has the port may be a replica that Compose made in this one's place
                raise Conflict(error.message, error.status) from error
            job.report(f"its port is taken, another of its range will do: {error.message}")
            again, _ = await self.bring(replace(job, wanted=job.loosely, loosely=None), Sight(None, []))
            return again

    async def lacks(self, new: Body, wanted: Recreation, archive: bytes) -> bool:
        """Whether a network or a file is missing: somebody started it before this step had finished with it."""
        networks = new["NetworkSettings"].get("Networks") or {}
        if any(name not in networks for name in wanted.names.values()):
            return True
        return bool(await injected.absent(self._reader, new["Id"], archive))

    async def _prepare(self, old: Body, job: Job) -> None:
        """Everything that can be done while the old one still serves."""
        work = [stand_in.put_up(self._reader, self._writer, job.params, job.wanted, job.archive)]
        if job.params.keep_image and not labels.never_started(old):
            work.append(keep_image(self._reader, self._writer, old, job.key, job.report))
        await all_of(work)
        if job.params.half_made:
            await clear_half_made(self._writer, job)

    async def _remove(self, container: Body, job: Job) -> None:
        if alive(container):
            job.report(f"stopping {clean(job.params.name, limit=100)}")
            await call("stop", self._writer.stop, container["Id"], job.params.stop_seconds)
        await keep_log(self._reader, container["Id"], _LOG_LINES, job.folder)
        material.note_removal(job.folder, job.params.old)
        material.note_made(job.folder, job.params.old, made=False)
        await call("remove", self._writer.remove, container["Id"])

    async def _create(self, job: Job) -> Body:
        try:
            made = await call("create", self._writer.create, job.params.name, job.wanted.body)
        except Conflict:
            taken = await being_made(self._reader, job.params.name, self._writer.timeout)
            if labels.labels_of(taken).get(labels.STEP) != job.key:
                raise
            return taken
        return await self._reader.container(made)


async def clear_half_made(writer: DockerWriter, job: Job) -> None:
    """Remove what another run made for this place and never started. Raises Conflict where it was started since."""
    job.report(f"removing {job.params.half_made[:12]}, which was made for this place and never started")
    with contextlib.suppress(Missing):
        await call("clear", writer.remove, job.params.half_made)
