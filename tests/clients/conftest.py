"""Servers that live as long as the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.real_programs import POSTGRES_VERSIONS, REDIS_VERSIONS
from tests.servers import Server, postgres_running, redis_running


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    with postgres_running() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    with redis_running() as server:
        yield server


@pytest.fixture(scope="session", params=POSTGRES_VERSIONS)
def postgres_version(request: pytest.FixtureRequest) -> Iterator[tuple[str, Server]]:
    """One server of each major version in use, with its number."""
    with postgres_running(request.param) as server:
        yield request.param, server


@pytest.fixture(scope="session", params=REDIS_VERSIONS)
def redis_version(request: pytest.FixtureRequest) -> Iterator[tuple[str, Server]]:
    """One server of each kind and version in use, with its name."""
    with redis_running(version=request.param) as server:
        yield request.param, server
