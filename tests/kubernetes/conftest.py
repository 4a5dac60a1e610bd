"""Fixtures of the Kubernetes tests."""

from collections.abc import Iterator

import pytest

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
