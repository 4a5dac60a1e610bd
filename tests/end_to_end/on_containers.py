"""Three replicas of a Compose project on a real engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import Cli
from tests.docker import images
from tests.docker.project import HOST, ComposeProject
from tests.end_to_end.stage import BAD, GOOD, Stage, until


@contextmanager
def on_containers(folder: Path, cli: Cli) -> Iterator[Stage]:
    """2.4.0 runs; a release is another image in the Compose file, and `docker-compose up -d`."""
    import docker

    engine = docker.APIClient(base_url=HOST, version="auto", timeout=30)
    try:
        with (
            images.released(engine, {GOOD: "ok", BAD: "ok"}),
            ComposeProject(folder, GOOD, engine=engine) as project,
        ):

            def release(version: str) -> None:
                project.write(version)
                project.up()
                until(lambda: _versions(project) == {version}, f"every replica answers as {version}")

            workload = {"driver": "compose", "project": project.name, "service": "api", "stop_timeout": 5}
            yield Stage("compose", cli, folder, {"url": project.url, "workload": workload}, release)
    finally:
        engine.close()


def _versions(project: ComposeProject) -> set[str]:
    try:
        return set(project.versions())
    except OSError:
        return set()
