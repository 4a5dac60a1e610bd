"""Servers that live as long as the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.servers import Server, postgres_running, redis_running


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    with postgres_running() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    with redis_running() as server:
        yield server
