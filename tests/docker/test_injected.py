"""Inline configs and secrets from the environment live only inside the container: a replaced one has them too."""

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from actions.clients.docker.reader import DockerReader
from actions.model.errors import Refused
from actions.platforms.compose.injected import archive_of, candidates
from tests.docker.compose_versions import FIVE, Compose
from tests.docker.conftest import RUN
from tests.docker.crashes import Died, watched
from tests.docker.driven import Driven
from tests.docker.project import FILE, ComposeProject, until

INLINE = (
    FILE
    + """    configs:
      - {{source: inline, target: /etc/app/deep/settings.conf}}
      - variable
    secrets: [token]
configs:
  inline: {{content: "colour = blue\\n"}}
  variable: {{environment: VQ_TEST_CONFIG}}
secrets:
  token: {{environment: VQ_TEST_TOKEN}}
"""
)
CONTENTS = {
    "/etc/app/deep/settings.conf": "colour = blue\n",
    "/variable": "of variable",
    "/run/secrets/token": "s3cret",
}


@pytest.fixture
def inline(
    engine: Any, releases: dict[str, str], tmp_path: Path, compose: Compose, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ComposeProject]:
    monkeypatch.setenv("VQ_TEST_CONFIG", "of variable")
    monkeypatch.setenv("VQ_TEST_TOKEN", "s3cret")
    with ComposeProject(tmp_path, "1.1.0", engine=engine, replicas=1, file=INLINE, compose=compose) as one:
        yield one


@pytest.fixture
async def driven(inline: ComposeProject) -> AsyncIterator[Driven]:
    one = Driven(inline)
    yield one
    await one.access.close()


def contents(project: ComposeProject) -> dict[str, str]:
    """Of every file that Compose had put in; files that are absent are too."""
    import docker.errors

    found = {}
    (container,) = project.containers()
    for path in [*CONTENTS, "/own"]:
        try:
            pieces, _ = project.engine.get_archive(container["Id"], path)
        except docker.errors.NotFound:
            continue
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
            (member,) = archive.getmembers()
            assert member.mode & 0o7777 == 0o444
            file = archive.extractfile(member)
            assert file is not None
            found[path] = file.read().decode()
    return found


def write_own_file(project: ComposeProject) -> None:
    (container,) = project.containers()
    words = ["/python", "-I", "-S", "-c", "import os; open('/own', 'w').write('x'); os.chmod('/own', 0o444)"]
    job = project.engine.exec_create(container["Id"], words, environment=container["Config"]["Env"])
    project.engine.exec_start(job)
    assert contents(project) == {**CONTENTS, "/own": "x"}


@pytest.mark.machine("docker")
@FIVE
async def test_they_are_there_after_a_rollback_its_way_back_and_the_next(
    inline: ComposeProject, driven: Driven, undo: Path
) -> None:
    assert contents(inline) == CONTENTS
    await asyncio.to_thread(write_own_file, inline)
    changes = await driven.plan("1.0.0")
    await driven.carry_out(changes, undo)
    assert inline.versions() == ["1.0.0"] and contents(inline) == CONTENTS
    await driven.back(changes, undo)
    assert inline.versions() == ["1.1.0"] and contents(inline) == CONTENTS
    later = undo.parent / "later"
    later.mkdir(mode=0o700)
    await driven.carry_out(await driven.plan("1.0.0"), later, f"{RUN[:-6]}XY34ZW")
    assert inline.versions() == ["1.0.0"] and contents(inline) == CONTENTS
    assert "s3cret" not in " ".join(driven.said) + str(driven.data)


@pytest.mark.machine("docker")
@FIVE
async def test_one_that_somebody_started_without_them_is_made_again(
    inline: ComposeProject, driven: Driven, undo: Path
) -> None:
    changes = await driven.plan("1.0.0")
    with watched([], "compose.create.after"), pytest.raises(Died):
        await driven.carry_out(changes, undo)
    inline.engine.start(inline.containers()[0]["Id"])
    await asyncio.to_thread(until, inline.answering)
    assert contents(inline) == {}
    change, key = changes[1], f"{RUN}.2"
    assert (await driven.changer.probe(change, key, undo)).state == "partial"
    await driven.changer.act(change, key, undo, driven.said.append)
    await asyncio.to_thread(until, inline.answering)
    assert inline.versions() == ["1.0.0"] and contents(inline) == CONTENTS


def test_only_what_lies_in_the_container_itself_is_looked_at() -> None:
    changes = [
        {"Path": path, "Kind": kind}
        for path, kind in (
            ("/etc", 0),
            ("/etc/app.conf", 1),
            ("/run", 1),
            ("/run/secrets", 1),
            ("/run/secrets/token", 1),
            ("/gone", 2),
            ("/bound/file", 1),
            ("/bound", 1),
            ("/boundary", 1),
            ("/file.conf", 1),
        )
    ]
    found = candidates(changes, ["/bound", "/file.conf"])
    assert found == ["/run/secrets/token", "/boundary", "/etc/app.conf"]


class OneFile:
    """A reader of a container that holds one injected file."""

    async def changes(self, container: str, seconds: float) -> list[dict[str, Any]]:
        return [{"Path": "/conf", "Kind": 1}]

    async def file_stat(self, container: str, path: str) -> dict[str, Any]:
        return {"name": "conf", "size": 1, "mode": 0o444, "mtime": "2026-11-28T10:00:00Z"}


async def test_a_read_only_file_system_that_could_not_take_them_is_refused() -> None:
    container = {
        "Id": "c1",
        "Name": "/shop-api-1",
        "Created": "2026-11-28T10:00:00.4Z",
        "Config": {"Labels": {"com.docker.compose.version": "5.6.1"}},
        "HostConfig": {"ReadonlyRootfs": True},
        "Mounts": [],
    }
    with pytest.raises(Refused, match="/conf"):
        await archive_of(cast(DockerReader, OneFile()), container)
