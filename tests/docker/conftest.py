"""A real engine, images made from this machine's files, single containers to roll back. Everything is taken away."""

import asyncio
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from actions.model.environment import Environment, Policy
from actions.model.platform import Artefact, Change, Evidence
from actions.model.services import HttpService
from actions.model.waiting import Deadline
from actions.model.workloads import ComposeWorkload, Slot
from actions.platforms.access import Place
from actions.platforms.compose import compose_cli, pin_change, pin_plan, proof
from actions.platforms.compose.driver import ComposeChanger, ComposeReader, workload_changer, workload_reader
from tests.docker import images
from tests.docker.compose_versions import Compose, compose, composes
from tests.docker.project import HOST, ComposeProject, ask, remove_project, until
from tests.ports import free_ports

__all__ = ["compose", "composes"]

RUN = f"01JZZZZ{os.getpid():07d}ZZZZZZAB12CD"
"""A run id of this process alone, as containers are found by it; its short form is ab12cd."""


@pytest.fixture(scope="session")
def engine() -> Iterator[Any]:
    """docker-py's own client, to look at the world without the code under test."""
    import docker

    client = docker.APIClient(base_url=HOST, version="auto", timeout=30)
    try:
        with images.based(client):
            yield client
    finally:
        client.close()


@pytest.fixture(scope="session")
def base(engine: Any) -> str:
    """The image all versions are made from."""
    return images.make_base(engine)


@pytest.fixture(scope="session")
def version(engine: Any, base: str) -> Callable[..., str]:
    """Makes an image of a version, once: `version("1.0.0")`, `version("1.1.0-exit", mode="exit")`; its id."""
    made: dict[str, str] = {}

    def make(name: str, *, mode: str = "ok", **options: Any) -> str:
        if name not in made:
            made[name] = images.make_version(engine, name, env={"MODE": mode, **options.pop("env", {})}, **options)
        return made[name]

    return make


@pytest.fixture(scope="session")
def releases(version: Callable[..., str]) -> dict[str, str]:
    """The two releases of most tests: image ids by version."""
    return {name: version(name) for name in ("1.0.0", "1.1.0")}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no failure: Compose may take its time. The soak is short, or every test would pay for it."""
    monkeypatch.setattr(proof, "SOAK_SECONDS", 0.1)
    monkeypatch.setattr(pin_plan, "PLANNING_SECONDS", 100.0)
    monkeypatch.setattr(pin_change, "_ASKING_SECONDS", 100.0)
    monkeypatch.setattr(compose_cli, "_LONGEST", 100.0)


@pytest.fixture
def undo(tmp_path: Path) -> Path:
    """A run's undo folder."""
    folder = tmp_path / "undo"
    folder.mkdir(mode=0o700)
    return folder


@dataclass
class Service:
    """One container, found by name, and the drivers on it."""

    engine: Any
    name: str
    port: int
    settings: ComposeWorkload
    place: Place
    reader: ComposeReader
    changer: ComposeChanger
    said: list[str] = field(default_factory=list)

    def run(
        self,
        image: str,
        *,
        config: dict[str, Any] | None = None,
        host: dict[str, Any] | None = None,
        wait: bool = True,
        **more: Any,
    ) -> str:
        """Start the container as somebody else would; its id. Unless `wait` is False it answers when this returns."""
        body = {
            "Image": image,
            "ExposedPorts": {"8080/tcp": {}},
            "Labels": {"vq-tui-test.project": self.name},
            "HostConfig": {
                "PortBindings": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(self.port)}]},
                "RestartPolicy": {"Name": "always"},
                **(host or {}),
            },
            **(config or {}),
            **more,
        }
        identifier = str(self.engine.create_container_from_config(body, self.name)["Id"])
        self.engine.start(identifier)
        if wait:
            until(self.port_answers)
        return identifier

    def port_answers(self) -> bool:
        """Whether the published port answers, whatever it says."""
        published = self.inspect()["NetworkSettings"]["Ports"]["8080/tcp"][0]["HostPort"]
        try:
            ask(f"http://127.0.0.1:{published}/")
        except OSError:
            return False
        return True

    def inspect(self, reference: str | None = None) -> dict[str, Any]:
        """What the engine says about the container of that name or id."""
        return dict(self.engine.inspect_container(reference or self.name))

    def all(self) -> dict[str, str]:
        """State of every container of this test by name."""
        found = self.engine.containers(all=True, filters={"label": f"vq-tui-test.project={self.name}"})
        return {one["Names"][0].lstrip("/"): one["State"] for one in found}

    async def plan(self, to: str) -> Change:
        """The one change that brings the version `to` back."""
        facts = await self.reader.observe()
        artefact = next(one for one in facts.at_hand if one.version == to)
        (change,) = await self.reader.plan_change(facts, artefact)
        return change

    async def act(self, change: Change, undo: Path, key: str = f"{RUN}.3") -> Evidence:
        """Everything up to the verification, as a runner does it."""
        await self.changer.check(change)
        await self.changer.protect(change, key, undo)
        return await self.changer.act(change, key, undo, self.said.append)

    async def verify(self, change: Change, key: str = f"{RUN}.3", seconds: float = 60) -> Evidence:
        """The verification."""
        return await self.changer.verify(change, key, Deadline(seconds), self.said.append)

    async def back(self, change: Change, undo: Path, key: str = f"{RUN}.3", seconds: float = 60) -> Evidence:
        """The way back."""
        return await self.changer.undo(change, key, undo, Deadline(seconds), self.said.append)


def make_place(name: str, settings: ComposeWorkload, url: str | None, **policy: Any) -> Place:
    """Where a driver stands in these tests. Without `url` it is no HTTP service."""
    if url is None:
        from actions.model.services import RedisService

        service: Any = RedisService(url="redis://127.0.0.1:1", workload=settings)
    else:
        service = HttpService(url=url, workload=settings)
    environment = Environment(services={"api": service}, policy=Policy(**{"prove_seconds": 20, **policy}))
    return Place("test", "api", "main", environment, {"main": Slot(workload=settings, url=url)}, url)


@pytest.fixture
async def make_service(engine: Any, releases: dict[str, str]) -> AsyncIterator[Callable[..., Service]]:
    """Makes services of one container each; takes them away."""
    made: list[Service] = []

    def make(*, http: bool = True, host: str = HOST, **options: Any) -> Service:
        name, port = f"vqt{uuid.uuid4().hex[:8]}", free_ports(1)
        policy = {key: options.pop(key) for key in ("prove_seconds", "proofs") if key in options}
        settings = ComposeWorkload(host=host, service=name, **{"stop_timeout": 5, **options})
        place = make_place(name, settings, f"http://127.0.0.1:{port}" if http else None, **policy)
        reader, changer = workload_reader(settings, place), workload_changer(settings, place)
        made.append(Service(engine, name, port, settings, place, reader, changer))
        return made[-1]

    try:
        yield make
    finally:
        for one in made:
            await one.reader.close()
            await one.changer.close()
            await asyncio.to_thread(remove_project, engine, one.name)


@pytest.fixture
async def service(make_service: Callable[..., Service]) -> Service:
    """One container that publishes a port, not yet started."""
    return make_service()


@pytest.fixture
def project(request: pytest.FixtureRequest, engine: Any, releases: dict[str, str], tmp_path: Path) -> Iterator[Any]:
    """Three replicas of 1.1.0 (or as many as an indirect parameter says), made by docker-compose."""
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed")
    with ComposeProject(tmp_path, "1.1.0", engine=engine, replicas=getattr(request, "param", 3)) as one:
        yield one


@pytest.fixture
def composed(
    request: pytest.FixtureRequest, engine: Any, releases: dict[str, str], tmp_path: Path, compose: Compose
) -> Iterator[ComposeProject]:
    """Three replicas of 1.1.0 (or as many as an indirect parameter says), made by each generation of Compose."""
    replicas = getattr(request, "param", 3)
    with ComposeProject(tmp_path, "1.1.0", engine=engine, replicas=replicas, compose=compose) as one:
        yield one


def artefact(version: str, reference: str, *names: str) -> Artefact:
    """An artefact as a ledger remembers it."""
    return Artefact(version=version, reference=reference, detail={"names": list(names)})
