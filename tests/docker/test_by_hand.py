"""Manual steps come from what stands at that moment: they name what is there, say whom they touch, and they work."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.errors import VerifyFailed
from actions.platforms.compose.recreate import Recreator
from tests.docker.compose_versions import FIVE, Compose
from tests.docker.conftest import RUN, make_place
from tests.docker.crashes import Died, watched
from tests.docker.driven import Driven
from tests.docker.inspected import differences
from tests.docker.project import ComposeProject, until

pytestmark = [pytest.mark.machine("docker"), FIVE]
ONE = pytest.mark.parametrize("composed", [1], indirect=True)


@pytest.fixture
async def driven(composed: ComposeProject) -> AsyncIterator[Driven]:
    one = Driven(composed)
    yield one
    await one.access.close()


@pytest.fixture
def ailing(engine: Any, version: Callable[..., str], tmp_path: Path, compose: Compose) -> Iterator[ComposeProject]:
    """A project whose release says itself that it is down."""
    version("1.0.0"), version("1.1.0-admits", mode="admits")
    with ComposeProject(tmp_path, "1.1.0-admits", engine=engine, replicas=1, compose=compose) as one:
        yield one


def commands(steps: tuple[str, ...]) -> list[str]:
    """What a person types; every command says what it does to users."""
    typed = [one for one in steps if not one.startswith("#")]
    assert all(re.search(r"# .*(users|looks|serves nobody|nobody loses|must say)", one) for one in typed), typed
    return typed


def typed_in(steps: tuple[str, ...]) -> None:
    for line in commands(steps):
        done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, (line, done.stderr)


def names_only_what_is_there(steps: tuple[str, ...], engine: Any) -> bool:
    words = {
        word for line in commands(steps) for word in re.findall(r"(?<!container-)\b[0-9a-f]{12}\b", line.split("#")[0])
    }
    present = {one["Id"][:12] for one in engine.containers(all=True)}
    return words <= present


async def test_what_serves_is_left_alone(ailing: ComposeProject, undo: Path) -> None:
    driven = Driven(ailing)
    changes = await driven.plan("1.0.0")
    await driven.carry_out(changes, undo)
    with pytest.raises(VerifyFailed, match="going back would be worse"):
        await driven.back(changes, undo)
    (serving,) = ailing.containers()
    steps = await driven.changer.manual(changes[1], undo)
    assert commands(steps) == [] and serving["Id"][:12] in steps[0]
    await asyncio.to_thread(ailing.up)
    assert [one["Id"] for one in ailing.containers()] == [serving["Id"]] and ailing.versions() == ["1.0.0"]
    await driven.access.close()


@ONE
@pytest.mark.skipif(shutil.which("curl") is None, reason="a person would need curl, too")
async def test_a_container_that_is_gone_is_made_again_from_what_was_kept(
    composed: ComposeProject, driven: Driven, undo: Path
) -> None:
    (before,) = composed.containers()
    changes = await driven.plan("1.0.0")
    with watched([], "compose.remove.after"), pytest.raises(Died):
        await driven.carry_out(changes, undo)
    steps = await driven.changer.manual(changes[1], undo)
    assert names_only_what_is_there(steps, composed.engine)
    await asyncio.to_thread(typed_in, steps)
    await asyncio.to_thread(until, composed.answering)
    (after,) = composed.containers()
    assert composed.versions() == ["1.1.0"] and differences(before, after) == {}


@ONE
async def test_what_does_not_serve_is_named_for_removal(
    composed: ComposeProject, driven: Driven, version: Callable[..., str], undo: Path
) -> None:
    version("1.2.0-exit", mode="exit")
    changes = await driven.plan("1.2.0-exit")
    with watched([], "compose.start.after"), pytest.raises(Died):
        await driven.carry_out(changes, undo)
    (dead,) = composed.containers()
    steps = await driven.changer.manual(changes[1], undo)
    assert names_only_what_is_there(steps, composed.engine)
    assert f"docker rm -f {dead['Id'][:12]}" in steps[0]
    await asyncio.to_thread(typed_in, steps)
    await asyncio.to_thread(until, composed.answering)
    assert composed.versions() == ["1.1.0"]


@ONE
async def test_what_somebody_else_put_there_is_left_alone(composed: ComposeProject, driven: Driven, undo: Path) -> None:
    changes = await driven.plan("1.0.0")
    with watched([], "compose.remove.after"), pytest.raises(Died):
        await driven.carry_out(changes, undo)
    await asyncio.to_thread(composed.compose, "-f", "docker-compose.yml", "up", "-d")
    await asyncio.to_thread(until, composed.answering)
    (theirs,) = composed.containers()
    steps = await driven.changer.manual(changes[1], undo)
    assert commands(steps) == [] and theirs["Id"][:12] in steps[0]


@ONE
async def test_an_engine_that_does_not_answer_is_looked_at_first(
    composed: ComposeProject, driven: Driven, undo: Path
) -> None:
    change = (await driven.plan("1.0.0"))[1]
    nowhere = "unix:///nonexistent/docker.sock"
    place = make_place("api", driven.settings, None)
    recreator = Recreator(DockerReader(nowhere), DockerWriter(nowhere), place)
    (look,) = commands(await recreator.manual(change, undo))
    assert " ps -a " in look and RUN not in look
