"""The pin under both generations of Compose: every way to deploy stays on the release that was brought back."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from actions.model.platform import WorkloadFacts
from actions.model.words import Gate
from tests.docker.compose_versions import Compose
from tests.docker.images import OWNED, REPOSITORY, make_version
from tests.docker.project import FILE, HOST, ComposeProject, until
from tests.docker.test_project import Driven

pytestmark = pytest.mark.machine("docker")
Made = Callable[..., "Pinned"]


class Pinned:
    """A project of one replica of 1.1.0, deployed by `options`; its drivers."""

    def __init__(self, project: ComposeProject, options: tuple[str, ...]) -> None:
        self.project = project
        self.options = options
        self.driven = Driven(project)

    def deploy(self, *words: str) -> str:
        """What somebody types again after a rollback."""
        return self.project.compose(*self.options, "up", "-d", *words)

    async def roll_back(self, undo: Path) -> dict[str, str]:
        """To 1.0.0; the ids of what then runs."""
        await self.driven.carry_out(await self.driven.plan("1.0.0"), undo)
        await asyncio.to_thread(until, self.project.answering)
        return self.project.ids()

    async def facts(self) -> WorkloadFacts:
        return await self.driven.reader.observe()

    async def lift(self) -> str:
        facts, upkeep = await self.facts(), self.driven.access.upkeep("api", "main")
        assert facts.pin is not None and upkeep is not None
        try:
            return await upkeep.lift_pin(facts.pin)
        finally:
            await upkeep.close()


@pytest.fixture
async def pinned(
    engine: Any, releases: dict[str, str], tmp_path: Path, compose: Compose, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Made]:
    """Makes projects with other files, options and images than the plain one, with the Compose of this test."""
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    made: list[Pinned] = []

    def make(*options: str, file: str = FILE, version: str = "1.1.0", ports: int = 1, **files: str) -> Pinned:
        project = ComposeProject(tmp_path, version, engine=engine, replicas=ports, file=file, compose=compose)
        for name, text in files.items():
            project.folder.joinpath(name.replace("__", ".")).write_text(text)
        one = Pinned(project, options)
        made.append(one)
        one.deploy()
        until(project.answering if ports == 1 else lambda: len(project.containers(stopped=False)) == 1)
        return one

    yield make
    for one in made:
        await one.driven.access.close()
        one.project.__exit__()


async def test_deploys_stay_on_the_release_until_the_pin_is_lifted(pinned: Made, undo: Path) -> None:
    one = await asyncio.to_thread(pinned)
    assert (await one.facts()).pin is None
    ids = await one.roll_back(undo)
    facts = await one.facts()
    assert facts.pin is not None and facts.pin.read and not facts.pin.blocks and facts.pin.version == "1.0.0"
    assert facts.pin.instead == f"{REPOSITORY}:1.1.0" and facts.pin.lift.endswith("pin lift --service api")
    await asyncio.to_thread(one.deploy)
    assert one.project.ids() == ids
    await asyncio.to_thread(one.project.compose, "down")
    await asyncio.to_thread(one.deploy)
    until(one.project.answering)
    assert one.project.versions() == ["1.0.0"]
    assert "removed" in await one.lift()
    assert (await one.facts()).pin is None
    await asyncio.to_thread(one.deploy)
    until(one.project.answering)
    assert one.project.versions() == ["1.1.0"]


async def test_more_replicas_are_of_the_same_release(pinned: Made, undo: Path) -> None:
    one = await asyncio.to_thread(lambda: pinned(file=FILE.replace("    scale: {replicas}\n", ""), ports=3))
    await one.driven.carry_out(await one.driven.plan("1.0.0"), undo)
    before = set(one.project.ids().values())
    await asyncio.to_thread(one.deploy, "--scale", "api=3")
    await asyncio.to_thread(until, one.project.answering)
    assert one.project.versions() == ["1.0.0"] * 3 and before < set(one.project.ids().values())


BUILT = FILE.replace("    image: {image}\n", "    image: {image}\n    build: .\n")


async def test_a_build_never_gives_the_good_name_to_bad_code(
    pinned: Made, undo: Path, engine: Any, releases: dict[str, str]
) -> None:
    dockerfile = f"FROM {REPOSITORY}:1.1.0\nENV BUILT=again\nLABEL {OWNED}={os.getpid()}\n"
    one = await asyncio.to_thread(lambda: pinned(file=BUILT, Dockerfile=dockerfile))
    ids = await one.roll_back(undo)
    try:
        await asyncio.to_thread(one.deploy, "--build")
    except AssertionError as error:  # Compose 1 cannot take a build away: it builds, and may name nothing so
        assert one.project.generation is not None and one.project.generation.generation == "1"
        assert "refusing to create an ambiguous tag" in str(error)
    assert one.project.ids() == ids and one.project.versions() == ["1.0.0"]
    assert engine.inspect_image(f"{REPOSITORY}:1.0.0")["Id"] == releases["1.0.0"]
    await asyncio.to_thread(one.deploy)
    assert one.project.ids() == ids


async def test_many_files_an_environment_file_and_a_profile(pinned: Made, undo: Path) -> None:
    file = FILE.replace("    restart: always\n", '    restart: ${{POLICY:-no}}\n    profiles: ["web"]\n')
    extra = 'version: "3.8"\nservices:\n  api:\n    environment: {FROM: extra}\n'
    options = ("-f", "docker-compose.yml", "-f", "extra.yml", "--env-file", "prod.env", "--profile", "web")
    one = await asyncio.to_thread(lambda: pinned(*options, file=file, extra__yml=extra, prod__env="POLICY=always\n"))
    before = [note for note in (await one.facts()).notes if note.id == "pin"]
    assert [note.gate for note in before] == [Gate.INCONCLUSIVE], "said before anything is done"
    ids = await one.roll_back(undo)
    pin = (await one.facts()).pin
    assert pin is not None and not pin.read
    assert pin.deploy in " ".join(one.driven.said), "the run names the same command"
    environment = {**os.environ, **one.project.generation.environment, "DOCKER_HOST": HOST}  # type: ignore[union-attr]
    done = await asyncio.to_thread(
        subprocess.run, pin.deploy, shell=True, cwd="/", env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    await asyncio.to_thread(until, one.project.answering)
    assert one.project.versions() == ["1.0.0"]
    (container,) = one.project.containers()
    assert "FROM=extra" in container["Config"]["Env"] and container["HostConfig"]["RestartPolicy"]["Name"] == "always"
    if one.project.generation is not None and one.project.generation.generation == "5":
        assert one.project.ids() == ids, "with all files and variables nothing is made again"


async def test_a_tag_that_moves_changes_nothing_and_is_said_to_wait(
    pinned: Made, undo: Path, engine: Any, releases: dict[str, str]
) -> None:
    engine.tag(releases["1.1.0"], REPOSITORY, "moving")
    one = await asyncio.to_thread(lambda: pinned(version="moving"))
    ids = await one.roll_back(undo)
    fixed = make_version(engine, "1.2.0", tag="1.2.0")
    engine.tag(fixed, REPOSITORY, "moving")
    await asyncio.to_thread(one.deploy)
    assert one.project.ids() == ids
    facts = await one.facts()
    assert facts.pin is not None and facts.pin.blocks == f"{REPOSITORY}:moving is another image now"
    assert [note.gate for note in facts.notes if note.id == "pin"] == [Gate.INCONCLUSIVE]
    engine.tag(releases["1.1.0"], REPOSITORY, "1.0.0")  # even the name of the release itself may move
    try:
        await asyncio.to_thread(one.deploy)
        assert one.project.ids() == ids
    finally:
        engine.tag(releases["1.0.0"], REPOSITORY, "1.0.0")


async def test_files_that_want_another_release_are_said_to_wait(pinned: Made, undo: Path) -> None:
    one = await asyncio.to_thread(pinned)
    await one.roll_back(undo)
    one.project.write("1.2.0")
    facts = await one.facts()
    assert facts.pin is not None and facts.pin.blocks == "docker-compose.yml changed since"


async def test_latest_that_was_built_again_leaves_the_good_image_to_go_back_to(
    pinned: Made, undo: Path, engine: Any
) -> None:
    good = make_version(engine, "built-1", tag="latest", labels={"org.opencontainers.image.version": "24.04"})
    one = await asyncio.to_thread(lambda: pinned(version="latest"))
    bad = make_version(engine, "built-2", tag="latest", labels={"org.opencontainers.image.version": "24.04"})
    await asyncio.to_thread(one.deploy)
    until(one.project.answering)
    facts = await one.facts()
    assert facts.current is not None and facts.current.reference == bad
    reader: Any = one.driven.reader
    (found,) = await reader.recall(facts, (good,))
    assert found.reference == good and found.version != facts.current.version
    await one.driven.carry_out(await reader.plan_change(facts, found), undo)
    until(one.project.answering)
    ids = one.project.ids()
    await asyncio.to_thread(one.deploy)
    assert one.project.ids() == ids and one.project.versions() == ["built-1"]
