"""Each generation of Compose brings the tests' project up, and writes the labels and names that the product reads."""

import shutil

import pytest

from tests.docker.compose_versions import Compose
from tests.docker.project import ComposeProject

pytestmark = pytest.mark.machine("docker")


@pytest.mark.parametrize("composed", [1], indirect=True)
def test_each_generation_makes_the_project(composed: ComposeProject, compose: Compose) -> None:
    (container,) = composed.containers()
    assert container["Name"] == f"/{composed.container_name(1)}"
    assert container["Config"]["Labels"]["com.docker.compose.version"].startswith(f"{compose.generation}.")
    assert composed.versions() == ["1.1.0"]
    found = shutil.which("docker-compose")
    assert found is not None and found.startswith(str(compose.folder))
