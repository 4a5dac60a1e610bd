"""One container made again from another image, under the step contract (correct-procedures 2.1, steps 3 to 9)."""

import asyncio
import time
from pathlib import Path
from typing import Any

from actions.clients.docker.errors import Conflict, Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.crash import crashpoint
from actions.model.errors import Refused, Stale, Unreachable
from actions.model.platform import Change, Evidence, Probe
from actions.model.text import clean
from actions.model.waiting import Deadline, until
from actions.model.words import ProbeState
from actions.platforms.access import Place
from actions.platforms.compose import labels, material
from actions.platforms.compose.artefacts import short
from actions.platforms.compose.body import Recreation, recreation
from actions.platforms.compose.calls import call, connect
from actions.platforms.compose.observe import pinned_start
from actions.platforms.compose.params import Recreate
from actions.platforms.compose.pin_change import CONFIG_HASH
from actions.platforms.compose.proof import Prover, Subject
from actions.platforms.compose.restore import Restorer
from actions.platforms.compose.sight import Sight, alive, inspect, look, status
from actions.platforms.compose.unfinished import being_made, clear
from actions.platforms.protocols import Report

Body = dict[str, Any]


class Recreator:
    """Carries out `recreate` changes. Every call is decided by what is there, so that `act` goes on after a crash."""

    def __init__(self, reader: DockerReader, writer: DockerWriter, place: Place) -> None:
        self._reader = reader
        self._writer = writer
        self._prover = Prover(reader, place)
        self._restorer = Restorer(reader, writer, self._prover, place)

    async def close(self) -> None:
        """Close kept connections."""
        await self._prover.close()

    async def check(self, change: Change) -> Evidence:
        """Same container, same image, same start, and nobody new beside it. Raises Stale, Refused."""
        params = Recreate.model_validate(change.params)
        old, mine = await asyncio.gather(
            inspect(self._reader, params.old), self._reader.containers(f"{labels.REPLACES}={params.old}")
        )
        if any(not labels.never_started(one) for one in mine):
            return Evidence(text=f"{change.subject} is under way already")
        if old is None:
            raise Stale(f"{change.subject} ({params.old[:12]}) is gone, somebody replaced it: plan again")
        if old["Image"] != params.old_image or labels.place_name(old) != params.name:
            raise Stale(f"{change.subject} is not what was planned any more: plan again")
        # What was made for it and never started may be of this very step, which then has stopped it.
        if not mine and params.started_at is not None and pinned_start(old) != params.started_at:
            raise Stale(f"{change.subject} was started again since this was planned: plan again")
        await self._same_image(params)
        text = f"{change.subject} is {params.old[:12]} as planned, image {short(params.image)} is here"
        return Evidence(text=text, data={"old": params.old, "image": params.image})

    async def _same_image(self, params: Recreate) -> None:
        """The image is there, and the name that people and the pin use still means it (rows 19, 20)."""
        for name in dict.fromkeys((params.image, params.image_name)):
            shown = clean(name, limit=200)
            try:
                found = await self._reader.image(name)
            except Missing:
                raise Refused(
                    f"{shown}, the image of {params.version}, is gone from the engine: load it again"
                ) from None
            if found["Id"] != params.image:
                raise Stale(f"{shown} is another image now ({short(found['Id'])}): plan again")

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence:
        """Write down how the container is, and hold its target image by a name of ours."""
        params = Recreate.model_validate(change.params)
        if not material.path_of(folder, params.old).exists():
            body, image = await asyncio.gather(self._reader.container(params.old), self._reader.image(params.old_image))
            served = await self._prover.healthy_now(body, sole=params.sole)
            kept = material.Material(container=body, image=image, served=served)
            path, sha256 = await asyncio.to_thread(material.write, folder, kept)
        else:
            kept = await asyncio.to_thread(material.read, folder, params.old)
            path, sha256 = await asyncio.to_thread(material.write, folder, kept)
        crashpoint("compose.tag.before")
        await self._writer.tag(params.image, labels.KEEP_REPOSITORY, short(params.image))
        crashpoint("compose.tag.after")
        return Evidence(text=f"kept {path.name}", data={"file": str(path), "sha256": sha256})

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        """Create, connect, disarm, stop, rename twice, start; each only if it was not done yet."""
        params = Recreate.model_validate(change.params)
        kept = await asyncio.to_thread(material.read, folder, params.old)
        sight = await look(self._reader, params, key)
        if sight.old is None:
            raise Stale(f"{change.subject} ({params.old[:12]}) is gone, somebody removed it")
        marks = await asyncio.to_thread(_marks, params, key, folder)
        wanted = recreation(kept.container, kept.image, params.image, marks)
        wanted.body["HostConfig"]["RestartPolicy"] = dict(params.policy)
        new = sight.new or await self._create(params, key, wanted, report)
        await connect(self._writer, new, wanted)
        since = time.monotonic()
        await self._take_away(sight.old, params, key, report)
        if labels.name_of(new) != params.name:
            await call("rename-new", self._writer.rename, new["Id"], params.name)
        if status(new) == "created":
            report(f"starting {clean(params.name, limit=100)} as {params.version}")
            await call("start", self._writer.start, new["Id"])
        seconds = round(time.monotonic() - since, 3)
        text = f"{change.subject} is {new['Id'][:12]} now, {params.old[:12]} is stopped"
        return Evidence(text=text, data={"container": new["Id"], "replaced": params.old, "seconds_down": seconds})

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        """The new container is well. Raises VerifyFailed."""
        params = Recreate.model_validate(change.params)
        new = await self._made(params, key, deadline, report)
        version = params.word or (params.version if params.same_words else None)
        subject = Subject(container=new["Id"], image=params.image, sole=params.sole, version=version)
        return await self._prover.prove(subject, deadline, report)

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        """The old container serves again, and what this step made is gone."""
        return await self._restorer.restore(Recreate.model_validate(change.params), key, folder, deadline, report)

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        """From names, ids and labels: exactly how far it got."""
        params = Recreate.model_validate(change.params)
        try:
            sight = await look(self._reader, params, key)
        except Unreachable as error:
            return Probe(state=ProbeState.UNKNOWN, evidence=error.message)
        return _judge(sight, params, key)

    async def manual(self, change: Change, folder: Path) -> tuple[str, ...]:
        """The way back by hand."""
        return self._restorer.manual(Recreate.model_validate(change.params), folder)

    async def _made(self, params: Recreate, key: str, deadline: Deadline, report: Report) -> Body:
        async def observe() -> Body:
            sight = await look(self._reader, params, key)
            if sight.new is None:
                raise Stale("the new container is gone, somebody removed it")
            return sight.new

        return await until(observe, lambda _: True, deadline, status, every=0.2, lost=report)

    async def _create(self, params: Recreate, key: str, wanted: Recreation, report: Report) -> Body:
        await clear(self._reader, self._writer, params, key, report)
        name = labels.new_name(params.old, params.name)
        try:
            made = await call("create", self._writer.create, name, wanted.body)
        except Conflict as error:
            taken = await being_made(self._reader, name, self._writer.timeout)
            if labels.labels_of(taken).get(labels.STEP) != key:
                raise Refused(f"the name {clean(name, limit=100)} is taken by another container: {error}") from error
            return taken
        return await self._reader.container(made)

    async def _take_away(self, old: Body, params: Recreate, key: str, report: Report) -> None:
        if (old["HostConfig"].get("RestartPolicy") or {}).get("Name") not in (None, "", "no"):
            policy = {"Name": "no", "MaximumRetryCount": 0}
            await call("disarm", self._writer.restart_policy, old["Id"], policy)
        if alive(old):
            report(f"stopping {clean(params.name, limit=100)}")
            await call("stop", self._writer.stop, old["Id"], params.stop_seconds)
        if labels.name_of(old) == params.name:
            await call("rename-old", self._writer.rename, old["Id"], labels.replaced_name(params.name, key))


def _marks(params: Recreate, key: str, folder: Path) -> dict[str, str]:
    ours = {
        labels.RUN: labels.run_of(key),
        labels.STEP: key,
        labels.REPLACES: params.old,
        labels.IMAGE_NAME: params.image_name,
    }
    later = folder / CONFIG_HASH
    if labels.CONFIG_HASH not in params.labels and later.exists():
        ours[labels.CONFIG_HASH] = later.read_text("utf-8")
    return {**ours, **params.labels}


def _judge(sight: Sight, params: Recreate, key: str) -> Probe:
    old, new = sight.old, sight.new
    data = {"old": status(old), "new": status(new)}
    if new is None:
        if old is None:
            return Probe(state=ProbeState.UNKNOWN, evidence="the old container and the new one are gone", data=data)
        disarmed = (old["HostConfig"].get("RestartPolicy") or {}).get("Name") != params.policy.get("Name")
        if labels.name_of(old) == params.name and alive(old) == params.running and not disarmed:
            return Probe(state=ProbeState.NOT_STARTED, evidence=f"{params.old[:12]} stands as before", data=data)
        return Probe(state=ProbeState.PARTIAL, evidence="the old container is changed, no new one exists", data=data)
    done = labels.name_of(new) == params.name and status(new) != "created" and (old is None or not alive(old))
    where = clean(labels.name_of(new), limit=100)
    evidence = f"{new['Id'][:12]} is {status(new)} as {where}, {params.old[:12]} is {status(old)}"
    return Probe(state=ProbeState.DONE if done else ProbeState.PARTIAL, evidence=evidence, data=data)
