"""Stages: the same service on every platform."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.end_to_end.on_containers import on_containers
from tests.end_to_end.on_kubernetes import KubernetesStage, on_kubernetes
from tests.end_to_end.on_nginx import LocalStage, NginxStage, on_addresses, on_processes
from tests.end_to_end.stage import Stage

STAGES: dict[str, Callable[[Path, Cli], AbstractContextManager[Stage]]] = {
    "deployment": on_kubernetes,
    "statefulset": partial(on_kubernetes, kind="statefulset"),
    "daemonset": partial(on_kubernetes, kind="daemonset"),
    "nginx-addresses": on_addresses,
    "nginx-processes": on_processes,
    "compose": on_containers,
}
NEEDS = {"nginx-addresses": ["nginx"], "nginx-processes": ["nginx"], "compose": ["docker"]}
EVERY = [pytest.param(name, marks=[pytest.mark.machine(part) for part in NEEDS.get(name, [])]) for name in STAGES]


@pytest.fixture(params=EVERY)
def stage(request: pytest.FixtureRequest, tmp_path: Path, cli: Cli) -> Iterator[Stage]:
    """2.4.0 serves, on every platform in turn."""
    with STAGES[request.param](tmp_path, cli) as made:
        yield made


@pytest.fixture
def deployment(tmp_path: Path, cli: Cli) -> Iterator[KubernetesStage]:
    """A Deployment with 2.4.0."""
    with on_kubernetes(tmp_path, cli) as made:
        yield made


@pytest.fixture
def blue_green(tmp_path: Path, cli: Cli) -> Iterator[NginxStage]:
    """Plain addresses behind nginx; green (2.4.0) serves."""
    with on_addresses(tmp_path, cli) as made:
        yield made


@pytest.fixture
def processes(tmp_path: Path, cli: Cli) -> Iterator[LocalStage]:
    """Supervised processes behind nginx; green (2.4.0) serves."""
    with on_processes(tmp_path, cli) as made:
        yield made
