"""Every way to deploy, before a rollback begins and in the middle of it, with an executor that lives and a dead one.

A few pairs are tried in the usual run, all of them in a sweep. What deploys do after a rollback: `test_pins`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from actions.model.errors import VqError
from tests.docker.compose_versions import FIVE, Compose
from tests.docker.crashes import Died, watched
from tests.docker.driven import Driven
from tests.docker.images import OWNED, REPOSITORY
from tests.docker.project import FILE, ComposeProject
from tests.docker.test_in_place import SECOND, ask_again, go_on, trying, when_passed
from tests.docker.test_pins import BUILT

pytestmark = [pytest.mark.machine("docker"), FIVE]


@dataclass(frozen=True)
class Way:
    """How somebody deploys: `options` of every call, `words` of the one in the middle, and the project's files."""

    words: tuple[str, ...] = ("up", "-d")
    options: tuple[str, ...] = ()
    file: str = FILE
    files: dict[str, str] = field(default_factory=dict)
    version: str = "1.1.0"


MANY = ("-f", "docker-compose.yml", "-f", "extra.yml", "--env-file", "prod.env", "--profile", "web")
WAYS = {
    "up": Way(),
    "build": Way(
        ("up", "-d", "--build"),
        file=BUILT,
        files={"Dockerfile": f"FROM {REPOSITORY}:1.1.0\nENV BUILT=again\nLABEL {OWNED}={os.getpid()}\n"},
    ),
    "scale": Way(("up", "-d", "--scale", "api=2")),
    "down": Way(("down",)),
    "files": Way(
        options=MANY,
        file=FILE.replace("    restart: always\n", '    restart: ${{POLICY:-no}}\n    profiles: ["web"]\n'),
        files={"extra.yml": "services:\n  api:\n    environment: {FROM: extra}\n", "prod.env": "POLICY=always\n"},
    ),
    "moved": Way(version="moving"),
}
MOMENTS = ("before", "alive", "dead")
USUAL = {("scale", "before"), ("moved", "alive"), ("files", "dead")}


def pairs(ways: list[str]) -> list[Any]:
    every = [(way, moment) for way in ways for moment in MOMENTS]
    return [pytest.param(*one, marks=[] if one in USUAL else [pytest.mark.sweep]) for one in every]


Made = Callable[[Way], ComposeProject]


@pytest.fixture
def deployed(
    engine: Any, releases: dict[str, str], tmp_path: Path, compose: Compose, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Made]:
    """Makes a project of two replicas of 1.1.0, deployed that way."""
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    made: list[ComposeProject] = []
    engine.tag(releases["1.1.0"], REPOSITORY, "moving")

    def make(way: Way) -> ComposeProject:
        project = ComposeProject(tmp_path, way.version, engine=engine, replicas=2, file=way.file, compose=compose)
        made.append(project)
        for name, text in way.files.items():
            project.folder.joinpath(name).write_text(text)
        project.compose(*way.options, "up", "-d")
        return project

    yield make
    for one in made:
        one.__exit__()


@pytest.fixture
async def driving() -> AsyncIterator[Callable[[ComposeProject], Driven]]:
    made: list[Driven] = []

    def drive(project: ComposeProject) -> Driven:
        made.append(Driven(project))
        return made[-1]

    yield drive
    for one in made:
        await one.access.close()


async def roll_back_beside(way: Way, moment: str, project: ComposeProject, driven: Driven, undo: Path) -> None:
    """Deploy at that moment of a rollback; what is refused or broken off for it is asked for again."""

    def deploy() -> None:
        if way.version == "moving":
            project.engine.tag(project.engine.inspect_image(f"{REPOSITORY}:1.0.0")["Id"], REPOSITORY, "moving")
        trying(project, *way.options, *way.words)

    changes = await driven.plan("1.0.0")
    try:
        if moment == "before":
            await asyncio.to_thread(deploy)
            await driven.carry_out(changes, undo)
        elif moment == "alive":
            with when_passed("compose.remove.after", deploy):
                await driven.carry_out(changes, undo)
        else:
            with watched([], "compose.remove.after"), pytest.raises(Died):
                await driven.carry_out(changes, undo)
            await asyncio.to_thread(deploy)
            await ask_again(driven, changes, undo)
    except VqError:
        again = undo.parent / "once-more"
        again.mkdir(mode=0o700)
        facts = await driven.reader.observe()
        if facts.current is None or facts.current.version != "1.0.0":
            await driven.carry_out(await driven.plan("1.0.0"), again, SECOND)


@pytest.mark.parametrize(("name", "moment"), pairs([one for one in WAYS if one != "down"]))
async def test_the_release_that_was_wanted_serves(
    name: str,
    moment: str,
    deployed: Made,
    driving: Callable[[ComposeProject], Driven],
    releases: dict[str, str],
    undo: Path,
) -> None:
    project = await asyncio.to_thread(deployed, WAYS[name])
    await roll_back_beside(WAYS[name], moment, project, driving(project), undo)
    containers = project.containers()
    assert [one["Image"] for one in containers] == [releases["1.0.0"]] * 2
    assert all(one["State"]["Running"] for one in containers)
    assert {one["Name"].lstrip("/")[:-1] for one in containers} == {project.container_name(1)[:-1]}, "Compose's names"
    assert project.engine.inspect_image(f"{REPOSITORY}:1.0.0")["Id"] == releases["1.0.0"]


@pytest.mark.parametrize(("name", "moment"), pairs(["down"]))
async def test_what_was_taken_down_stays_down(
    name: str, moment: str, deployed: Made, driving: Callable[[ComposeProject], Driven], undo: Path
) -> None:
    """A rollback brings up nothing that somebody takes down; what they bring up again is whole, and of one release."""
    project = await asyncio.to_thread(deployed, WAYS[name])
    driven = driving(project)
    changes = await driven.plan("1.0.0")
    with pytest.raises(VqError):
        if moment == "before":
            await asyncio.to_thread(project.compose, "down")
            await driven.carry_out(changes, undo)
        elif moment == "alive":
            with when_passed("compose.remove.after", lambda: trying(project, "down")):
                await driven.carry_out(changes, undo)
        else:
            with watched([], "compose.remove.after"), pytest.raises(Died):
                await driven.carry_out(changes, undo)
            await asyncio.to_thread(project.compose, "down")
            await go_on(driven, changes, undo)
    assert not project.ids()
    await asyncio.to_thread(project.up)
    images = [one["Image"] for one in project.containers() if one["State"]["Running"]]
    assert len(images) == 2 and len(set(images)) == 1
