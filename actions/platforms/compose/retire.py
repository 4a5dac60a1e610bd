"""Putting replaced containers away after the proof.

Docker cannot take a label off a container. A stopped one with Compose's labels would count as a replica whose
configuration differs, and the next `up` would make it again: so log, settings and file system are kept as evidence, and
the container goes, never its volumes.
"""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from actions.clients.docker.errors import EngineError, Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.errors import Refused, Unreachable, VerifyFailed
from actions.model.identity import short_id
from actions.model.platform import Change, Evidence, Probe
from actions.model.text import clean
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.platforms.compose import labels
from actions.platforms.compose.calls import call, docker_command
from actions.platforms.compose.logs import keep_log
from actions.platforms.compose.params import Replaced, Retire
from actions.platforms.compose.sight import alive, inspect
from actions.platforms.protocols import Report

_LOG_LINES = 10_000


class Retirer:
    """Carries out `retire` changes. What is away already is fine; what serves is never touched."""

    def __init__(self, reader: DockerReader, writer: DockerWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def check(self, change: Change) -> Evidence:
        """Every replaced container has a successor that runs. Raises Refused."""
        retire = Retire.model_validate(change.params)
        await asyncio.gather(*(self._succeeded(one) for one in retire.replaced))
        return Evidence(text=f"{len(retire.replaced)} successors run")

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence:
        """Keep the logs; settings were kept before each was replaced."""
        retire = Retire.model_validate(change.params)
        await asyncio.gather(*(keep_log(self._reader, one.id, _LOG_LINES, folder) for one in retire.replaced))
        return Evidence(text=f"kept {len(retire.replaced)} logs", data={"folder": str(folder)})

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        """Keep each file system as an image, and remove each container."""
        retire = Retire.model_validate(change.params)
        parts = (self._put_away(one, key, retire.keep_image, report) for one in retire.replaced)
        kept = await asyncio.gather(*parts, return_exceptions=True)  # one that stays keeps no other
        for trouble in kept:
            if isinstance(trouble, BaseException):
                raise trouble
        images = [str(name) for name in kept if name]
        text = f"removed {len(retire.replaced)} replaced containers" + (f", kept {', '.join(images)}" if images else "")
        return Evidence(text=text, data={"images": list[JsonValue](images)})

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        """None of them is left. Raises VerifyFailed."""
        retire = Retire.model_validate(change.params)
        left = [one.name for one in retire.replaced if await inspect(self._reader, one.id) is not None]
        if left:
            raise VerifyFailed(f"still there: {clean(', '.join(left), limit=200)}")
        return Evidence(text=f"{len(retire.replaced)} replaced containers are put away")

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        """Nothing: the way back of each replacement makes its container again from what was kept."""
        return Evidence(text="nothing to bring back: each replacement brings its own container back")

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        """What is left decides."""
        retire = Retire.model_validate(change.params)
        try:
            left = [one for one in retire.replaced if await inspect(self._reader, one.id) is not None]
        except Unreachable as error:
            return Probe(state=ProbeState.UNKNOWN, evidence=error.message)
        evidence = f"{len(left)} of {len(retire.replaced)} are left"
        if not left:
            return Probe(state=ProbeState.DONE, evidence=evidence)
        whole = len(left) == len(retire.replaced)
        return Probe(state=ProbeState.NOT_STARTED if whole else ProbeState.PARTIAL, evidence=evidence)

    async def manual(self, change: Change, folder: Path) -> tuple[str, ...]:
        """What is left to do by hand."""
        retire = Retire.model_validate(change.params)
        docker = docker_command(self._reader.host)
        return tuple(f"{docker} rm {one.id[:12]}    # replaced, stopped" for one in retire.replaced)

    async def _succeeded(self, one: Replaced) -> None:
        old = await inspect(self._reader, one.id)
        if old is None:
            return
        shown = clean(one.name, limit=100)
        if alive(old):
            raise Refused(f"{shown} ({one.id[:12]}) runs: it was not replaced, and stays")
        for summary in await self._reader.containers(f"{labels.REPLACES}={one.id}"):
            body = await inspect(self._reader, summary["Id"])
            if body is not None and alive(body) and labels.name_of(body) == one.name:
                return
        raise Refused(f"no successor of {shown} runs: it stays")

    async def _put_away(self, one: Replaced, key: str, keep_image: bool, report: Report) -> str:
        name = ""
        try:
            await self._succeeded(one)
            if keep_image and await inspect(self._reader, one.id) is not None:
                name = await self._keep_image(one, key, report)
            await call("retire", self._writer.remove, one.id)
        except Missing:
            return name
        return name

    async def _keep_image(self, one: Replaced, key: str, report: Report) -> str:
        tag = re.sub(r"[^A-Za-z0-9_.-]", "-", f"{short_id(labels.run_of(key)).lower()}-{one.name}")[:120]
        since = datetime.now(UTC).isoformat(timespec="seconds")
        name = f"{labels.EVIDENCE_REPOSITORY}:{tag}"
        if await self._kept(name, one.id):
            return name
        marks = {labels.EVIDENCE: one.id, labels.EVIDENCE_SINCE: since, labels.RUN: labels.run_of(key)}
        try:
            await call("evidence", self._writer.commit, one.id, labels.EVIDENCE_REPOSITORY, tag, marks)
        except Missing:
            raise
        except EngineError as error:
            report(f"the file system of {clean(one.name, limit=100)} could not be kept: {error.message}")
            return ""
        return name

    async def _kept(self, name: str, container: str) -> bool:
        try:
            return labels.labels_of(await self._reader.image(name)).get(labels.EVIDENCE) == container
        except Missing:
            return False
