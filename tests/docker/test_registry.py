"""Releases that are deployed by digest from a real registry, as teams do whose tags may move."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker.errors
import pytest

from actions.platforms.compose.pin_file import entries_of
from tests.docker import images
from tests.docker.compose_versions import FIVE, Compose
from tests.docker.driven import Driven
from tests.docker.project import ComposeProject, until
from tests.docker.registry import pushed, registry

pytestmark = [pytest.mark.machine("docker", "registry"), FIVE]


@pytest.fixture
def shop(
    engine: Any, releases: dict[str, str], tmp_path: Path, compose: Compose
) -> Iterator[tuple[ComposeProject, str]]:
    """One replica of 1.1.0, and the digest of 1.0.0; both are known to the engine by digests and no tag."""
    with registry(tmp_path) as address:
        repository = f"{address}/api"
        good, bad = (pushed(engine, releases[version], repository, version) for version in ("1.0.0", "1.1.0"))
        for tag in ("1.0.0", "1.1.0"):
            engine.remove_image(f"{repository}:{tag}", noprune=True)
        for digest in (good, bad):
            engine.pull(digest)
        project = ComposeProject(tmp_path, "1.1.0", engine=engine, replicas=1, compose=compose)
        named = f"{images.REPOSITORY}:1.1.0"
        try:
            project.file = project.file.replace("{image}", bad)
            project.write("1.1.0")
            assert named not in (project.folder / "docker-compose.yml").read_text()
            with project:
                yield project, good
        finally:
            for digest in (good, bad):
                with contextlib.suppress(docker.errors.ImageNotFound):
                    engine.remove_image(digest, noprune=True)


async def test_a_digest_is_gone_back_to_and_stays(shop: tuple[ComposeProject, str], engine: Any, undo: Path) -> None:
    project, good = shop
    driven = Driven(project)
    try:
        changes = await driven.plan("1.0.0")
        pushed(engine, f"{images.REPOSITORY}:1.1.0", good.partition("@")[0], "1.0.0")  # somebody moves the tag
        engine.remove_image(f"{good.partition('@')[0]}:1.0.0", noprune=True)
        await driven.carry_out(changes, undo)
    finally:
        await driven.access.close()
    (entry,) = (entries_of((project.folder / "docker-compose.override.yml").read_text()) or {}).values()
    assert entry.image == good
    ids = project.ids()
    for words in (("up", "-d"), ("up", "-d", "--pull", "always")):
        await asyncio.to_thread(project.compose, *words)
        assert project.ids() == ids and project.versions() == ["1.0.0"], words
    await asyncio.to_thread(project.compose, "down")
    engine.remove_image(good, noprune=True)
    await asyncio.to_thread(project.up)  # comes from the registry again, by its digest
    until(project.answering)
    assert project.versions() == ["1.0.0"]
