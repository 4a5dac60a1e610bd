"""Fixtures of the Kubernetes tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.kubernetes.bench import Bench
from tests.kubernetes.double import KubernetesDouble


@pytest.fixture
def double() -> Iterator[KubernetesDouble]:
    """A running cluster, ten times as fast as the wall."""
    with KubernetesDouble() as running:
        yield running


@pytest.fixture
def stepped() -> Iterator[KubernetesDouble]:
    """A cluster that moves only when told to: `step`, `advance`, `settle`."""
    with KubernetesDouble(manual=True) as still:
        yield still


@pytest.fixture
async def bench(double: KubernetesDouble, tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(double, tmp_path)
    yield made
    for one in made.opened:
        await one.close()


@pytest.fixture
def released(double: KubernetesDouble) -> KubernetesDouble:
    """A Deployment with releases 1.4.1 and 1.4.2, both rolled out."""
    double.deployment("api", "registry.local/virtualqueue-api:1.4.1", replicas=3, cause="release 1.4.1")
    double.service("api")
    double.rolled_out("api")
    double.release("api", "registry.local/virtualqueue-api:1.4.2", cause="release 1.4.2")
    double.rolled_out("api")
    return double


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits a second because a server would like it to."""
    monkeypatch.setattr("actions.platforms.kubernetes.patience.LONGEST_PAUSE", 0.05)
    monkeypatch.setattr("actions.platforms.kubernetes.patience.PAUSE_SECONDS", 0.05)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pulse that asks often and has little patience."""
    for name, seconds in (("EVERY", 0.05), ("LOST", 0.05), ("PATIENCE", 1.0), ("TOLERATED", 0.5)):
        monkeypatch.setattr(f"actions.clients.kubernetes_pulse.{name}_SECONDS", seconds)
