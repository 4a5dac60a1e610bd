"""Several that look at the same place share what one of them saw lately; none is served old facts unasked."""

from pathlib import Path

import pytest

from actions.model.errors import Unreachable
from tests.platforms.fake import FakeAccess, Standing, World, artefact, environment

ADDRESSES = {"outside": "http://127.0.0.1:1", "blue": "http://127.0.0.1:2", "green": "http://127.0.0.1:3"}
LONG = 1_000.0


@pytest.fixture
def world() -> World:
    return World(
        {"blue": Standing(artefact("2.4.0")), "green": Standing(artefact("2.4.1"))}, {"blue": 1.0, "green": 0.0}
    )


@pytest.fixture
def access(world: World, tmp_path: Path) -> FakeAccess:
    return FakeAccess(environment(ADDRESSES, world), world)


async def test_what_was_seen_lately_serves_those_who_allow_it(access: FakeAccess, world: World) -> None:
    first = await access.observe("api", "blue")
    world.slots["blue"].artefact = artefact("2.4.2")
    assert await access.observe("api", "blue", LONG) is first
    newer = await access.observe("api", "blue")
    assert newer.current is not None and newer.current.version == "2.4.2"
    assert await access.observe("api", "blue", LONG) is newer


async def test_traffic_is_shared_as_well(access: FakeAccess, world: World) -> None:
    first = await access.observe_traffic("api")
    assert await access.observe_traffic("api", LONG) is first
    assert await access.observe_traffic("api") is not first


async def test_a_source_that_fails_is_not_hidden_by_what_was_seen_before(access: FakeAccess, world: World) -> None:
    await access.observe("api", "blue")
    world.slots["blue"].silent = "no answer"
    with pytest.raises(Unreachable):
        await access.observe("api", "blue")
    with pytest.raises(Unreachable):
        await access.observe("api", "blue", LONG)
