"""Containers on a Docker Engine as a workload driver: what stands, what it would take, and carrying it out."""

from pathlib import Path
from typing import Protocol

from actions.clients.docker.errors import Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.errors import VqError
from actions.model.health import Check
from actions.model.platform import Artefact, Change, Evidence, Probe, WorkloadFacts
from actions.model.text import clean
from actions.model.waiting import Deadline
from actions.model.words import Gate
from actions.model.workloads import ComposeWorkload
from actions.platforms.access import Place
from actions.platforms.compose import artefacts
from actions.platforms.compose.observe import Observer
from actions.platforms.compose.params import PIN, RECREATE, SEVERAL
from actions.platforms.compose.pin_change import Pinner
from actions.platforms.compose.pin_standing import About
from actions.platforms.compose.planning import Planner
from actions.platforms.compose.recreate import Recreator
from actions.platforms.compose.several import SeveralAtOnce
from actions.platforms.compose.upkeep import ComposeUpkeep
from actions.platforms.protocols import Report

LIBRARIES = ("actions.clients.docker.bounded",)
"""Imported late, with the first call: docker-py and requests."""

READ_SECONDS = 5.0
WRITE_SECONDS = 20.0


def workload_reader(settings: ComposeWorkload, place: Place) -> "ComposeReader":
    """The reading half."""
    return ComposeReader(settings, place)


def workload_changer(settings: ComposeWorkload, place: Place) -> "ComposeChanger":
    """The writing half."""
    return ComposeChanger(settings, place)


def workload_upkeep(settings: ComposeWorkload) -> ComposeUpkeep:
    """What is done outside of runs; it writes."""
    return ComposeUpkeep(settings)


class ComposeReader:
    """Observes and plans one service: by Compose's labels, or by container name where no project is configured."""

    def __init__(self, settings: ComposeWorkload, place: Place) -> None:
        self._settings = settings
        self._docker = DockerReader(settings.host, settings.tls, timeout=READ_SECONDS)
        self._observer = Observer(self._docker, settings, About(place.environment, place.service))
        self._planner = Planner(self._docker, settings, place)

    async def observe(self) -> WorkloadFacts:
        """Containers, images and notes, read now. Raises Unreachable."""
        return await self._observer.facts(await self._observer.scene())

    async def at_hand(self, artefact: Artefact) -> Check:
        """Whether the engine has the image by its id; one engine runs all the containers of a place."""
        title = "image present"
        try:
            image = await self._docker.image(artefact.reference)
        except Missing:
            evidence = f"image {artefacts.short(artefact.reference)} of {artefact.version} is not on this engine"
            advice = "load it: docker pull by its digest, or docker load"
            return Check(id="artefact", title=title, gate=Gate.FAIL, evidence=evidence, advice=advice)
        named = ", ".join(artefacts.usable_names(image)[:2]) or "no name"
        evidence = f"{artefact.version}: image {artefacts.short(image['Id'])} ({clean(named, limit=120)})"
        return Check(id="artefact", title=title, gate=Gate.PASS, evidence=evidence)

    async def recall(self, facts: WorkloadFacts, names: tuple[str, ...]) -> tuple[Artefact, ...]:
        """The images of those ids, digests or whole names that the engine has, listed for this service or not."""
        return await self._observer.recall(facts, tuple(name for name in names if artefacts.may_be_image(name)))

    async def permissions(self) -> tuple[Check, ...]:
        """Whether the engine takes writes from this session."""
        title = f"rights on {self._settings.host}"
        try:
            refusal = await self._docker.may_write()
        except VqError as error:
            return (
                Check(id="permissions", title=title, gate=Gate.FAIL, evidence=error.message, advice="see `doctor`"),
            )
        if refusal:
            advice = "set 'host' to the engine itself for sessions that may act; a filtering proxy only lets read"
            return (Check(id="permissions", title=title, gate=Gate.FAIL, evidence=refusal, advice=advice),)
        return (Check(id="permissions", title=title, gate=Gate.PASS, evidence="the engine takes writes"),)

    async def plan_change(self, facts: WorkloadFacts, to: Artefact) -> tuple[Change, ...]:
        """Pin, then one change a replica. Raises Refused and Stale."""
        return await self._planner.plan(facts, await self._observer.scene(), to)

    async def log_tail(self, instance: str, lines: int) -> tuple[str, ...]:
        """The last lines of one container's log, cleaned. `instance` is its id or its name."""
        return await self._docker.logs(instance, lines)

    async def close(self) -> None:
        """Give the connections back."""
        self._observer.close()
        await self._planner.close()
        await self._docker.close()


class _Handler(Protocol):
    async def check(self, change: Change) -> Evidence: ...

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence: ...

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence: ...

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence: ...

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence: ...

    async def probe(self, change: Change, key: str, folder: Path) -> Probe: ...

    async def manual(self, change: Change, folder: Path) -> tuple[str, ...]: ...


class ComposeChanger:
    """Carries out what `ComposeReader` planned; each kind of change has a handler of its own."""

    def __init__(self, settings: ComposeWorkload, place: Place) -> None:
        self._reader = DockerReader(settings.host, settings.tls, timeout=READ_SECONDS)
        self._writer = DockerWriter(settings.host, settings.tls, timeout=WRITE_SECONDS)
        self._recreator = Recreator(self._reader, self._writer, place)
        self._handlers: dict[str, _Handler] = {
            RECREATE: self._recreator,
            SEVERAL: SeveralAtOnce(self._recreator),
            PIN: Pinner(settings),
        }

    async def check(self, change: Change) -> Evidence:
        """Raises Stale when anything pinned has moved."""
        return await self._handlers[change.action].check(change)

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence:
        """Undo material, durable in the run's folder."""
        return await self._handlers[change.action].protect(change, key, folder)

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        """The effect; goes on from where a crash left it."""
        return await self._handlers[change.action].act(change, key, folder, report)

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        """The outcome, observed."""
        return await self._handlers[change.action].verify(change, key, deadline, report)

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        """What was before, brought back and observed."""
        return await self._handlers[change.action].undo(change, key, folder, deadline, report)

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        """How far it got, by what is there now."""
        return await self._handlers[change.action].probe(change, key, folder)

    async def manual(self, change: Change, folder: Path) -> tuple[str, ...]:
        """The way back by hand."""
        return await self._handlers[change.action].manual(change, folder)

    async def close(self) -> None:
        """Give the connections back."""
        await self._recreator.close()
        await self._reader.close()
        await self._writer.close()
