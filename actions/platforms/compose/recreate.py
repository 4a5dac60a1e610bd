"""One container made again from another image, under the step contract."""

import asyncio
from pathlib import Path
from typing import Any

from actions.clients.docker.errors import Conflict, Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.errors import Refused, Stale, Unreachable, VqError
from actions.model.platform import Change, Evidence, Probe
from actions.model.text import clean
from actions.model.waiting import Deadline, until
from actions.model.words import ProbeState
from actions.platforms.access import Place
from actions.platforms.compose import injected, labels, material, stand_in
from actions.platforms.compose.artefacts import short
from actions.platforms.compose.at_once import all_of
from actions.platforms.compose.body import loosened, recreation
from actions.platforms.compose.by_hand import ByHand
from actions.platforms.compose.calls import call
from actions.platforms.compose.in_place import InPlace
from actions.platforms.compose.job import Job
from actions.platforms.compose.observe import pinned_start
from actions.platforms.compose.params import Recreate
from actions.platforms.compose.pin_change import CONFIG_HASH
from actions.platforms.compose.proof import Prover, Subject
from actions.platforms.compose.renaming import Renaming
from actions.platforms.compose.restore import Restorer
from actions.platforms.compose.sight import heir_of, inspect, judge, look, status
from actions.platforms.protocols import Report

Body = dict[str, Any]

_ROUNDS = 3
_PAUSE = 0.2
"""How often, and after which pause, a step looks again when somebody else changes the same containers."""


class Recreator:
    """Carries out `recreate` changes. Every call is decided by what is there, so that `act` goes on after a crash."""

    def __init__(self, reader: DockerReader, writer: DockerWriter, place: Place) -> None:
        self._reader = reader
        self._writer = writer
        self._prover = Prover(reader, place)
        self._restorer = Restorer(reader, writer, self._prover, place)
        self._by_hand = ByHand(reader, self._prover)
        self._in_place = InPlace(reader, writer)
        self._renaming = Renaming(reader, writer)

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
            heir = await heir_of(self._reader, params) if params.composed else None
            if heir is not None:
                return _adopted(heir, params)
            raise Stale(f"{change.subject} ({params.old[:12]}) is gone, somebody replaced it: plan again")
        if old["Image"] != params.old_image or labels.place_name(old) != params.name:
            raise Stale(f"{change.subject} is not what was planned any more: plan again")
        # What was made for it and never started may be of this very step, which then has stopped it.
        if not mine and params.started_at is not None and pinned_start(old) != params.started_at:
            raise Stale(f"{change.subject} was started again since this was planned: plan again")
        await asyncio.gather(self._same_image(params), self._never_started(params))
        text = f"{change.subject} is {params.old[:12]} as planned, image {short(params.image)} is here"
        return Evidence(text=text, data={"old": params.old, "image": params.image})

    async def _never_started(self, params: Recreate) -> None:
        made = await inspect(self._reader, params.half_made) if params.half_made else None
        if made is not None and not labels.never_started(made):
            raise Stale(f"{clean(params.name, limit=100)} was started since this was planned: plan again")

    async def _same_image(self, params: Recreate) -> None:
        """The image is there, and the name that people and the pin use still means it."""
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
        """Write down how the container is and what Compose put into it; hold both images by names of ours."""
        params = Recreate.model_validate(change.params)
        path = material.path_of(folder, params.old)
        if await asyncio.to_thread(path.exists):
            kept = await asyncio.to_thread(material.read, folder, params.old)
        elif (body := await inspect(self._reader, params.old)) is None:
            return Evidence(text=f"{change.subject} was replaced by somebody else: nothing to keep")
        else:
            image = await self._reader.image(params.old_image)
            archive = await injected.archive_of(self._reader, body)
            await asyncio.to_thread(material.write_files, folder, params.old, archive)
            served = await self._prover.healthy_now(body, sole=params.sole)
            kept = material.Material(container=body, image=image, served=served)
        path, sha256 = await asyncio.to_thread(material.write, folder, kept)
        for image_id in (params.image, params.old_image):
            await call("tag", self._writer.tag, image_id, labels.KEEP_REPOSITORY, short(image_id))
        return Evidence(text=f"kept {path.name}", data={"file": str(path), "sha256": sha256})

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        """The new container in the place of the old one. Somebody else's hand in it is looked at, and gone on from."""
        params = Recreate.model_validate(change.params)
        for left in reversed(range(_ROUNDS if params.composed else 1)):
            sight = await look(self._reader, params, key)
            if sight.heir is not None:
                await stand_in.take_down(self._writer, params.old)
                return _adopted(sight.heir, params)
            removed = await asyncio.to_thread(material.vacated, folder, params.old)
            if sight.old is None and not sight.ours and not removed:
                raise Stale(f"{change.subject} ({params.old[:12]}) is gone, somebody removed it")
            try:
                job = await asyncio.to_thread(self._job, params, key, folder, report)
                new, down = await (self._in_place if params.composed else self._renaming).bring(job, sight)
                text = f"{change.subject} is {new['Id'][:12]} now, {params.old[:12]} is stopped"
                data = {"container": new["Id"], "replaced": params.old, "seconds_down": round(down, 3)}
                return Evidence(text=text, data=data)
            except (Conflict, Missing) as error:
                if not left:
                    raise
                report(f"somebody else works on {clean(params.name, limit=100)} too, looking again: {error.message}")
                await asyncio.sleep(_PAUSE)
        raise AssertionError("the last round returns or raises")

    def _job(self, params: Recreate, key: str, folder: Path, report: Report) -> Job:
        kept = material.read(folder, params.old)
        wanted = recreation(kept.container, kept.image, params.image, _marks(params, key, folder))
        wanted.body["HostConfig"]["RestartPolicy"] = dict(params.policy)
        archive = material.read_files(folder, params.old)
        return Job(params, key, folder, wanted, archive, report, loosened(wanted, kept.container))

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        """The new container is well. Raises VerifyFailed."""
        params = Recreate.model_validate(change.params)
        new = await self._made(params, key, deadline, report)
        version = params.word or (params.version if params.same_words else None)
        subject = Subject(container=new["Id"], image=params.image, sole=params.sole, version=version)
        proof = self._prover.prove(subject, deadline, report)
        if not params.composed:
            return await proof
        evidence, _ = await all_of((proof, self._no_stand_in(params, report)))
        assert evidence is not None
        return evidence

    async def _no_stand_in(self, params: Recreate, report: Report) -> None:
        try:
            await stand_in.take_down(self._writer, params.old)
        except VqError as error:  # it takes nobody's place and goes later; what serves is not given up for it
            report(f"a stand-in stays for now: {error.message}")

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        """The old container serves again, and what this step made is gone."""
        return await self._restorer.restore(Recreate.model_validate(change.params), key, folder, deadline, report)

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        """From names, ids and labels: exactly how far it got."""
        params = Recreate.model_validate(change.params)
        try:
            sight = await look(self._reader, params, key)
            removed = await asyncio.to_thread(material.vacated, folder, params.old)
            found = judge(sight, params, removed=removed)
            if params.composed and sight.new is not None and found.state is ProbeState.DONE:
                job = await asyncio.to_thread(self._job, params, key, folder, _silent)
                if await self._in_place.lacks(sight.new, job.wanted, job.archive):
                    evidence = f"{found.evidence}, started before it was complete"
                    return found.model_copy(update={"state": ProbeState.PARTIAL, "evidence": evidence})
        except Unreachable as error:
            return Probe(state=ProbeState.UNKNOWN, evidence=error.message)
        return found

    async def manual(self, change: Change, folder: Path) -> tuple[str, ...]:
        """What a person can do, by what stands now."""
        return await self._by_hand.steps(Recreate.model_validate(change.params), folder)

    async def _made(self, params: Recreate, key: str, deadline: Deadline, report: Report) -> Body:
        async def observe() -> Body:
            sight = await look(self._reader, params, key)
            found = sight.new or sight.heir
            if found is None:
                raise Stale("the new container is gone, somebody removed it")
            return found

        return await until(observe, lambda one: status(one) != "created", deadline, status, every=0.2, lost=report)


def _silent(line: str) -> None:
    """Take a line of progress that nobody waits for."""


def _adopted(heir: Body, params: Recreate) -> Evidence:
    """Somebody's Compose made what this step was to make. Raises Stale where it made something else."""
    shown = f"{clean(labels.name_of(heir), limit=100)} ({heir['Id'][:12]})"
    if heir["Image"] != params.image:
        raise Stale(f"{shown} was made by somebody else meanwhile, from {short(heir['Image'])}: plan again")
    text = f"{shown} was made by somebody else meanwhile, from the image that was wanted"
    return Evidence(text=text, data={"container": heir["Id"], "replaced": params.old})


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
