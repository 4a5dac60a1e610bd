"""What stands: containers, images and what planning must know, read in three rounds of concurrent calls."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue

from actions.clients.docker.errors import Missing
from actions.clients.docker.reader import DockerReader
from actions.model.platform import Artefact, Instance, InstanceState, WorkloadFacts
from actions.model.text import clean
from actions.model.workloads import ComposeWorkload
from actions.platforms.compose import artefacts, labels, vacancy
from actions.platforms.compose.notes import notes_of
from actions.platforms.compose.pin_standing import About, PinView, view
from actions.platforms.compose.usage import Figures, Usage

Body = dict[str, Any]

_STATES = {
    "created": InstanceState.STARTING,
    "running": InstanceState.RUNNING,
    "restarting": InstanceState.RESTARTING,
    "removing": InstanceState.STOPPING,
    "exited": InstanceState.STOPPED,
    "dead": InstanceState.STOPPED,
    "paused": InstanceState.STOPPED,
}


@dataclass(frozen=True)
class Scene:
    """Raw bodies: `containers` make up the service (inspected), `away` are put away, `images` all summaries.

    `unfinished` holds, by the id of the container that it was to replace, what was made for that and never started.
    `vacant` are ids of stand-ins among `containers`, with the id of what was made for that place and never started.
    """

    containers: list[Body]
    away: list[Body]
    images: list[Body]
    inspected: dict[str, Body] = field(default_factory=dict)
    unfinished: dict[str, Body] = field(default_factory=dict)
    vacant: dict[str, str] = field(default_factory=dict)

    def image_of(self, container: Body) -> Body:
        """The inspected image of a container; empty when it is gone."""
        return self.inspected.get(container["Image"], {})


class Observer:
    """Looks at one service. Images never change, so each is inspected once; their names are read every time."""

    def __init__(self, docker: DockerReader, settings: ComposeWorkload, about: About) -> None:
        self._docker = docker
        self._settings = settings
        self._about = about
        self._images: dict[str, Body] = {}
        self._usage = Usage(docker)

    async def scene(self) -> Scene:
        """Everything about the service that an engine knows. Raises Unreachable."""
        found, images, stand_ins = await asyncio.gather(self._listed(), self._docker.images(), self._stand_ins())
        vacant = vacancy.vacant(stand_ins, found)
        standing = [one for one in labels.standing(found) if one["Id"] not in vacant.values()]
        seen = await asyncio.gather(*(self._container(one) for one in [*(one["Id"] for one in standing), *vacant]))
        containers = sorted((one for one in seen if one is not None), key=labels.order)
        present = {one["Id"] for one in standing}
        away = [one for one in found if one["Id"] not in present]
        wanted = artefacts.belonging(images, [*found, *containers], self._settings.project, self._settings.service)
        inspected = await self._inspect(images, {*wanted, *(one["Image"] for one in containers)})
        made = [one for one in away if labels.never_started(one) and labels.labels_of(one).get(labels.REPLACES)]
        unfinished = [one for one in await asyncio.gather(*(self._container(one["Id"]) for one in made)) if one]
        replaced = {labels.labels_of(one)[labels.REPLACES]: one for one in unfinished}
        return Scene(containers, away, images, {key: inspected[key] for key in inspected}, replaced, vacant)

    async def facts(self, scene: Scene) -> WorkloadFacts:
        """The scene in the words of the house."""
        used = self._usage.of([one["Id"] for one in scene.containers if one["State"]["Status"] == "running"])
        repositories = artefacts.repositories_of(scene.images, [*scene.containers, *scene.away])
        known = self._artefacts(scene.inspected, scene.inspected, repositories)
        standing = {one["Image"] for one in scene.containers}
        agreed = next(iter(standing)) if len(standing) == 1 else None
        watched, pinned = await asyncio.gather(
            self._docker.containers("com.centurylinklabs.watchtower=true"), self._pinned(scene)
        )
        notes = notes_of(self._settings, scene.containers, scene.away, watched)
        return WorkloadFacts(
            observed_at=datetime.now(UTC),
            desired=len(scene.containers),
            instances=tuple(instance(one, known.get(one["Image"]), used) for one in scene.containers),
            current=(known.get(agreed) or Artefact(version=artefacts.short(agreed), reference=agreed))
            if agreed
            else None,
            pins=pins_of(scene.containers),
            at_hand=tuple(known.values()),
            notes=(*notes, pinned.note) if pinned.note else notes,
            pin=pinned.pin,
            half_made=bool(scene.containers) and all(_half_made(one, scene) for one in scene.containers),
        )

    async def _pinned(self, scene: Scene) -> PinView:
        if not scene.containers:
            return PinView()
        return await asyncio.to_thread(view, self._settings, self._about, scene.containers[0], scene.images)

    async def recall(self, facts: WorkloadFacts, names: Sequence[str]) -> tuple[Artefact, ...]:
        """The images of those ids, digests or names that the engine has, whatever else it calls them.

        The engine lists no image that lost its name and is another's base: it has to be asked for by id.
        """
        bodies = await asyncio.gather(*(self._image(name) for name in names))
        found = {str(one["Id"]): one for one in bodies if one is not None}
        known = self._artefacts(found, {**self._images, **found}, _repositories(facts))
        return tuple(known.values())

    def _artefacts(
        self, bodies: dict[str, Body], beside: dict[str, Body], repositories: set[str]
    ) -> dict[str, Artefact]:
        label = self._settings.version_label
        around = artefacts.neighbours(beside.values(), label, repositories)
        return {key: artefacts.artefact_of(one, label, around) for key, one in bodies.items()}

    def close(self) -> None:
        """Stop what runs behind the looks."""
        self._usage.close()

    async def _listed(self) -> list[Body]:
        project, service = self._settings.project, self._settings.service
        if project is not None:
            wanted = (f"{labels.PROJECT}={project}", f"{labels.SERVICE}={service}", f"{labels.ONE_OFF}=False")
            return await self._docker.containers(*wanted)
        own = re.compile(rf"([0-9a-f]{{12}}_)?{re.escape(service)}(_(prev|failed)_[0-9a-z]{{6}})?")
        return [one for one in await self._docker.containers(name=service) if own.fullmatch(labels.name_of(one))]

    async def _stand_ins(self) -> list[Body]:
        if self._settings.project is None:
            return []
        mark = labels.service_mark(self._settings.project, self._settings.service)
        return await self._docker.containers(f"{labels.STANDS_FOR}={mark}")

    async def _container(self, identifier: str) -> Body | None:
        try:
            return vacancy.as_replica(await self._docker.container(identifier))
        except Missing:  # removed since it was listed
            return None

    async def _inspect(self, images: list[Body], wanted: set[str]) -> dict[str, Body]:
        summaries = {image["Id"]: image for image in images}
        for key in [key for key in self._images if key not in wanted]:
            del self._images[key]
        fresh = sorted(wanted - self._images.keys())
        for key, image in zip(fresh, await asyncio.gather(*(self._image(key) for key in fresh)), strict=True):
            if image is not None:
                self._images[key] = image
        order = [key for key in summaries if key in self._images] + [
            key for key in self._images if key not in summaries
        ]
        return {key: {**self._images[key], **_names(summaries.get(key))} for key in order}

    async def _image(self, reference: str) -> Body | None:
        try:
            return await self._docker.image(reference)
        except Missing:
            return None


def _repositories(facts: WorkloadFacts) -> set[str]:
    names = [name for one in facts.at_hand for name in (one.detail.get("names"),) if isinstance(name, list)]
    return {artefacts.repository_of(str(name)) for found in names for name in found}


def _half_made(body: Body, scene: Scene) -> bool:
    """Whether a replacement that nobody went on with left it without a start."""
    carried = labels.labels_of(body)
    ours = labels.REPLACES in carried or labels.RESTORES in carried
    return body["Id"] in scene.vacant or (ours and labels.never_started(body))


def _names(summary: Body | None) -> Body:
    return {} if summary is None else {name: summary.get(name) for name in ("RepoTags", "RepoDigests")}


def instance(body: Body, artefact: Artefact | None, used: Figures) -> Instance:
    """One container in the words of the house."""
    state = body["State"]
    health = (state.get("Health") or {}).get("Status")
    cpu, memory = used.get(body["Id"], (None, None))
    return Instance(
        id=str(body["Id"]),
        name=clean(labels.name_of(body), limit=200),
        state=_STATES.get(state.get("Status"), InstanceState.UNKNOWN),
        ready={"healthy": True, "starting": False, "unhealthy": False}.get(str(health)),
        version=artefact.version if artefact else None,
        reference=str(body["Image"]),
        restarts=int(body.get("RestartCount") or 0),
        started_at=when(state.get("StartedAt")) if state.get("Status") == "running" else None,
        cpu=cpu,
        memory_bytes=memory,
        message=_message(state, health),
    )


def _message(state: Body, health: str | None) -> str:
    status = state.get("Status")
    if status in ("exited", "dead", "restarting"):
        why = " (out of memory)" if state.get("OOMKilled") else ""
        said = f": {state['Error']}" if state.get("Error") else ""
        return clean(f"{status} with code {state.get('ExitCode')}{why}{said}", limit=300)
    if status == "paused":
        return "paused"
    return clean(health, limit=40) if health else ""


def pins_of(containers: list[Body]) -> dict[str, JsonValue]:
    """Container id, image id and start by name. A container that keeps restarting has no start that could be pinned."""
    return {clean(labels.name_of(one), limit=200): [one["Id"], one["Image"], pinned_start(one)] for one in containers}


def pinned_start(body: Body) -> str | None:
    """When it was started, as the engine wrote it; None when it is not steadily running."""
    steady = body["State"].get("Status") == "running" and not body.get("RestartCount")
    return clean(body["State"].get("StartedAt", ""), limit=40) if steady else None


def when(stamp: object) -> datetime | None:
    """An engine's time stamp, cut to microseconds; None for none, and for the zero time it writes for "never"."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", str(stamp))
    if match is None or match[1].startswith("0001-"):
        return None
    try:
        zone = "+00:00" if match[3] == "Z" else match[3]
        return datetime.fromisoformat(f"{match[1]}{(match[2] or '.0')[:7].ljust(7, '0')}{zone}").astimezone(UTC)
    except ValueError:
        return None
