"""The way back of one replacement: the old container serves again, what the step made is gone.

Every round begins with a look at what is there, so the way back goes on after a crash, after a lost answer, and when
only a part or nothing had been done. What this step did not touch is not its to bring back, and a release that
did not serve before is not put in the place of one that serves.
"""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from actions.clients.docker.errors import Conflict, EngineError, Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.errors import Ambiguous, Unreachable, VerifyFailed
from actions.model.platform import Evidence
from actions.model.text import clean
from actions.model.waiting import Deadline
from actions.platforms.access import Place
from actions.platforms.compose import injected, labels, material, stand_in
from actions.platforms.compose.body import loosened, same_again
from actions.platforms.compose.calls import call, connect, port_taken
from actions.platforms.compose.logs import keep_log
from actions.platforms.compose.params import Recreate
from actions.platforms.compose.proof import Prover, Subject
from actions.platforms.compose.renaming import NEVER
from actions.platforms.compose.sight import RESTORES, Sight, alive, inspect, look, status
from actions.platforms.protocols import Report

Body = dict[str, Any]

_AGAIN = 0.3
_LOG_LINES = 2_000


class Restorer:
    """Brings one old container back."""

    def __init__(self, reader: DockerReader, writer: DockerWriter, prover: Prover, place: Place) -> None:
        self._reader = reader
        self._writer = writer
        self._prover = prover
        self._place = place

    async def restore(self, params: Recreate, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        """Raises what the engine said when it cannot be done, VerifyFailed when the old container does not serve."""
        shown = clean(params.name, limit=100)
        if not await asyncio.to_thread(material.path_of(folder, params.old).exists):
            return Evidence(text=f"{shown} was not touched")
        kept = await asyncio.to_thread(material.read, folder, params.old)
        while True:
            try:
                sight = await look(self._reader, params, key)
                await self._refuse(sight, params, kept, folder)
                standing = await self._bring_back(sight, params, key, kept, folder, report)
                evidence = await self._proved(standing, params, kept, deadline, report)
                await self._remove_ours(params, key, folder)
                return evidence
            except (Unreachable, Ambiguous, EngineError) as error:
                if deadline.passed or not _passing(error):
                    raise
                report(f"the way back of {shown} waits: {error.message}")
            await asyncio.sleep(min(_AGAIN, max(deadline.remaining(), 0.001)))

    async def _refuse(self, sight: Sight, params: Recreate, kept: material.Material, folder: Path) -> None:
        """Raises VerifyFailed, touching nothing, where there is no way back or it would be worse than what stands."""
        shown = clean(params.name, limit=100)
        if sight.old is None and sight.restored is None and not sight.ours:
            removed = await asyncio.to_thread(material.vacated, folder, params.old)
            if sight.heir["Image"] == params.old_image if sight.heir else removed:
                return
            raise VerifyFailed(
                f"{shown} ({params.old[:12]}) was removed or replaced by somebody else; what is there now is left alone"
            )
        new = sight.new
        if new is None or kept.served or self._place.has_traffic or new["Image"] != params.image:
            return  # with a traffic driver users are elsewhere by now: the slot goes back to what it was
        if await self._prover.healthy_now(new, sole=params.sole) and not await self._served(params, folder):
            raise VerifyFailed(
                f"{shown} stays on {params.version}, which is well: what it replaced did not serve, "
                "going back would be worse"
            )

    async def _served(self, params: Recreate, folder: Path) -> bool:
        """Whether the release that was left served in another of the service's containers, or does so still."""
        for other in params.members:
            if await asyncio.to_thread(material.path_of(folder, other).exists):
                if (await asyncio.to_thread(material.read, folder, other)).served:
                    return True
                continue
            body = await inspect(self._reader, other)
            if body is not None and await self._prover.healthy_now(body, sole=params.sole):
                return True
        return False

    async def _bring_back(
        self, sight: Sight, params: Recreate, key: str, kept: material.Material, folder: Path, report: Report
    ) -> Body:
        for new in sight.ours:
            await self._put_down(new, params, key, report)
            if params.composed:
                await self._stand_in(params, kept, folder)
                await asyncio.to_thread(material.note_removal, folder, params.old)
                await asyncio.to_thread(material.note_made, folder, params.old, made=False)
                await self._remove(new, folder)
        old = sight.old or sight.restored or sight.heir or await self._make_again(params, kept)
        if sight.old is None and sight.heir is None:
            await self._complete(old, params, kept, folder)
        elif sight.old is not None and labels.name_of(old) != params.name:
            await call("undo-rename-old", self._writer.rename, old["Id"], params.name)
        if (old["HostConfig"].get("RestartPolicy") or {}).get("Name") != params.policy.get("Name"):
            await call("undo-arm", self._writer.restart_policy, old["Id"], dict(params.policy))
        if params.running and not alive(old):
            report(f"starting {clean(params.name, limit=100)} as it was")
            try:
                await call("undo-start", self._writer.start, old["Id"])
            except Missing as error:
                if sight.old is None and params.composed:
                    await call("undo-remove", self._writer.remove, old["Id"])
                raise VerifyFailed(f"somebody took the project down meanwhile: {error.message}") from error
            except EngineError as error:
                if sight.old is not None or sight.heir is not None or not port_taken(error):
                    raise
                old = await self._loosely(old, params, kept, folder, error)
        if params.composed:
            await stand_in.take_down(self._writer, params.old)
        return old

    async def _stand_in(self, params: Recreate, kept: material.Material, folder: Path) -> None:
        """While neither container is there, its settings are on the engine too, for whoever asks next."""
        archive = await asyncio.to_thread(material.read_files, folder, params.old)
        await stand_in.put_up(self._reader, self._writer, params, same_again(kept.container, {}), archive)

    async def _loosely(
        self, old: Body, params: Recreate, kept: material.Material, folder: Path, error: EngineError
    ) -> Body:
        """One like it with another port of the range that was asked for, as another replica has the one it had."""
        if loosened(same_again(kept.container, {}), kept.container) is None:
            raise error
        await call("undo-remove", self._writer.remove, old["Id"])
        again = await self._make_again(params, kept, loosely=True)
        await self._complete(again, params, kept, folder)
        await call("undo-start", self._writer.start, again["Id"])
        return again

    async def _put_down(self, new: Body, params: Recreate, key: str, report: Report) -> None:
        if alive(new):
            report(f"stopping {clean(labels.name_of(new), limit=100)}")
            armed = (new["HostConfig"].get("RestartPolicy") or {}).get("Name") not in (None, "", "no")
            if armed and not params.composed:
                await call("undo-disarm", self._writer.restart_policy, new["Id"], NEVER)
            await call("undo-stop", self._writer.stop, new["Id"], params.stop_seconds)
        if labels.name_of(new) == params.name and not params.composed:
            await call("undo-rename-new", self._writer.rename, new["Id"], labels.failed_name(params.name, key))

    async def _make_again(self, params: Recreate, kept: material.Material, *, loosely: bool = False) -> Body:
        wanted = same_again(kept.container, {RESTORES: params.old})
        body = ((loosened(wanted, kept.container) if loosely else None) or wanted).body
        try:
            made = await call("undo-create", self._writer.create, params.name, body)
        except Conflict as error:
            taken = await inspect(self._reader, params.name)
            ours = taken is not None and labels.labels_of(taken).get(RESTORES) == params.old
            if taken is None or not (ours or (params.composed and taken["Image"] == params.old_image)):
                shown = clean(params.name, limit=100)
                raise VerifyFailed(f"the name {shown} is somebody else's container now; it is left alone") from error
            return taken
        return await self._reader.container(made)

    async def _complete(self, old: Body, params: Recreate, kept: material.Material, folder: Path) -> None:
        """Give what was made again its networks and the files that Compose had put into it."""
        await connect(self._writer, old, same_again(kept.container, {}))
        if status(old) == "created":
            archive = await asyncio.to_thread(material.read_files, folder, params.old)
            await injected.put(self._reader, self._writer, old["Id"], archive)

    async def _proved(
        self, old: Body, params: Recreate, kept: material.Material, deadline: Deadline, report: Report
    ) -> Evidence:
        shown = clean(params.name, limit=100)
        if kept.served:
            restarts = int(old.get("RestartCount") or 0)
            subject = Subject(container=old["Id"], image=params.old_image, sole=params.sole, restarts=restarts)
            proof = await self._prover.prove(subject, deadline, report)
            return Evidence(text=f"{shown} serves as before: {proof.text}", data=proof.data)
        now = await self._reader.container(old["Id"])
        if alive(now) != params.running or now["Image"] != params.old_image:
            raise VerifyFailed(
                f"{shown} is {status(now)}; it should {'run' if params.running else 'be stopped'} as before"
            )
        text = f"{shown} is {status(now)} as before; it did not serve before either"
        return Evidence(text=text, data={"container": old["Id"]})

    async def _remove_ours(self, params: Recreate, key: str, folder: Path) -> None:
        """Last, when the old one serves: the log goes with the container, and reading it may take its time."""
        for new in (await look(self._reader, params, key)).ours:
            await self._remove(new, folder)

    async def _remove(self, new: Body, folder: Path) -> None:
        if status(new) != "created":
            await keep_log(self._reader, new["Id"], _LOG_LINES, folder)
        with contextlib.suppress(Missing):
            await call("undo-remove", self._writer.remove, new["Id"])


def _passing(error: Unreachable | Ambiguous | EngineError) -> bool:
    """Whether a new look may find it mended: no answer, or a port that is still in somebody's hands; not a name."""
    if not isinstance(error, EngineError):
        return True
    if isinstance(error, Conflict) and "container name" in error.message.lower():
        return False
    return port_taken(error)
