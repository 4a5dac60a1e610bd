"""A three-replica Compose project of a small HTTP API on the real engine, with its own `vq-tui.toml`.

with ComposeProject(tmp_path, "1.1.0") as project:      # `docker-compose up -d`, every replica answers
    project.config                                       # path of the vq-tui.toml
    project.ids()                                        # container ids by name
    project.up()                                         # what somebody does after a rollback
"""

import contextlib
import os
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.docker import images
from tests.docker.compose_versions import Compose
from tests.ports import free_ports

HOST = "unix:///var/run/docker.sock"

FILE = """version: "3.8"
services:
  api:
    image: {image}
    restart: always
    scale: {replicas}
    environment:
      CANARY: "{canary}"
    labels:
      vq-tui-test.project: "{name}"
    ports: ["127.0.0.1:{first}-{last}:8080"]
"""

CONFIG = """ledger = "{folder}/ledger"
default_environment = "shop"

[environments.shop]
band = "red"

[environments.shop.policy]
soak_seconds = 1
soak_samples = 2
prove_seconds = 30

[environments.shop.services.api]
kind = "http"
url = "http://127.0.0.1:{first}"

[environments.shop.services.api.workload]
driver = "compose"
project = "{name}"
service = "api"
stop_timeout = 5
"""

CANARY = "canary-secret-3f9a"


class ComposeProject:
    """Brings the project up on entry and takes everything of it away at the end. `engine` is docker-py's client.

    `compose` is the generation to use; without it the machine's own `docker-compose`.
    """

    def __init__(
        self,
        folder: Path,
        version: str,
        *,
        engine: Any,
        replicas: int = 3,
        file: str = FILE,
        compose: Compose | None = None,
    ) -> None:
        self.name = f"vqt{uuid.uuid4().hex[:8]}"
        self.folder = folder / self.name
        self.engine = engine
        self.replicas = replicas
        self.first = free_ports(replicas)
        self.file = file
        self.generation = compose
        self.config = self.folder / "vq-tui.toml"
        self.folder.mkdir(parents=True)
        self.write(version)
        self.config.write_text(CONFIG.format(folder=self.folder, first=self.first, name=self.name))
        self.config.chmod(0o600)

    def __enter__(self) -> "ComposeProject":
        try:
            self.up()
            until(self.answering)
        except BaseException:
            remove_project(self.engine, self.name)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        remove_project(self.engine, self.name)

    @property
    def url(self) -> str:
        """The address of the first replica, as the configuration names it."""
        return f"http://127.0.0.1:{self.first}"

    def write(self, version: str) -> None:
        """Have the Compose file name that version."""
        self.folder.joinpath("docker-compose.yml").write_text(
            self.file.format(
                image=f"{images.REPOSITORY}:{version}",
                replicas=self.replicas,
                name=self.name,
                first=self.first,
                last=self.first + self.replicas - 1,
                canary=CANARY,
            )
        )

    def compose(self, *words: str) -> str:
        """Run docker-compose in the project's folder; its output."""
        program, environment = "docker-compose", {}
        if self.generation is not None:
            program, environment = str(self.generation.program), self.generation.environment
        done = subprocess.run(
            [program, "-p", self.name, *words],
            cwd=self.folder, capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "DOCKER_HOST": HOST, **environment},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def up(self) -> str:
        """`docker-compose up -d`."""
        return self.compose("up", "-d")

    def container_name(self, number: int = 1, service: str = "api") -> str:
        """The name of one replica, as the Compose in use writes it."""
        separator = self.generation.separator if self.generation else "_"
        return separator.join((self.name, service, str(number)))

    def listed(self, *, stopped: bool = True) -> list[dict[str, Any]]:
        """Summaries of all containers of the project."""
        found = self.engine.containers(all=stopped, filters={"label": f"com.docker.compose.project={self.name}"})
        return list(found)

    def containers(self, *, stopped: bool = True) -> list[dict[str, Any]]:
        """Inspected containers of the service, by number."""
        bodies = [self.engine.inspect_container(one["Id"]) for one in self.listed(stopped=stopped)]
        return sorted(bodies, key=lambda one: one["Config"]["Labels"]["com.docker.compose.container-number"])

    def ids(self) -> dict[str, str]:
        """Ids of all containers by name."""
        return {one["Name"].lstrip("/"): one["Id"] for one in self.containers()}

    def versions(self) -> list[str]:
        """The version that each replica answers with."""
        return [ask(f"http://127.0.0.1:{port}/health") for port in range(self.first, self.first + self.replicas)]

    def answers(self) -> list[str]:
        """The versions of those replicas that answer."""
        found = []
        for port in range(self.first, self.first + self.replicas):
            with contextlib.suppress(OSError):
                found.append(ask(f"http://127.0.0.1:{port}/health"))
        return found

    def answering(self) -> bool:
        """Whether every replica answers."""
        try:
            self.versions()
        except OSError:
            return False
        return True


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {condition}"
        time.sleep(0.03)


def ask(url: str, seconds: float = 2) -> str:
    """The version header of one answer."""
    with urllib.request.urlopen(url, timeout=seconds) as answer:
        return str(answer.headers["X-Version"])


def remove_project(engine: Any, name: str) -> None:
    """Containers with their anonymous volumes, networks and evidence of one project."""
    for one in engine.containers(all=True, filters={"label": f"vq-tui-test.project={name}"}):
        engine.remove_container(one["Id"], force=True, v=True)
    for one in engine.containers(all=True, filters={"label": "vq-tui.trial"}):
        if one["HostConfig"]["NetworkMode"].startswith(name):
            engine.remove_container(one["Id"], force=True, v=True)
    for network in engine.networks(filters={"label": f"com.docker.compose.project={name}"}):
        engine.remove_network(network["Id"])
    for volume in engine.volumes(filters={"label": f"com.docker.compose.project={name}"})["Volumes"] or []:
        engine.remove_volume(volume["Name"])
    for image in engine.images(filters={"label": "vq-tui.evidence"}):
        for tag in image["RepoTags"] or []:
            if f"-{name}_" in tag or f"-{name}" in tag:
                engine.remove_image(tag)
