"""An address is observed and never changed."""

import pytest

from actions.model.environment import Environment
from actions.model.errors import Refused, Unreachable
from actions.model.services import HttpService
from actions.model.words import Gate
from actions.model.workloads import AddressWorkload
from actions.platforms.access import WriteAccess
from tests.platforms.fake import Standing, World, artefact, front


@pytest.fixture
async def stack():
    world = World({"main": Standing(artefact("2.4.1"))}, {"main": 1.0})
    async with front(world) as addresses:
        service = HttpService(url=addresses["outside"], workload=AddressWorkload(url=addresses["main"]))
        opened = WriteAccess("production", Environment(services={"api": service}))
        yield world, opened
        await opened.close()


async def test_the_version_that_answers_is_what_stands_there(stack):
    world, access = stack
    reader = access.workload("api", "main")
    facts = await reader.observe()
    assert facts.current.version == "2.4.1" and facts.ready_count == 1
    assert (await reader.at_hand(facts.current)).gate is Gate.PASS
    assert (await reader.at_hand(artefact("2.4.0"))).gate is Gate.FAIL
    world.slots["main"].healthy = False
    assert (await reader.observe()).ready_count == 0
    world.names_version = False
    assert (await reader.observe()).current is None


async def test_every_change_is_refused(stack):
    _, access = stack
    reader = access.workload("api", "main")
    with pytest.raises(Refused, match="managed elsewhere"):
        await reader.plan_change(await reader.observe(), artefact("2.4.0"))
    with pytest.raises(Refused):
        await reader.log_tail("x", 5)


async def test_silence_is_unreachable():
    service = HttpService(url="http://127.0.0.1:1", workload=AddressWorkload(url="http://127.0.0.1:1"))
    access = WriteAccess("production", Environment(services={"api": service}))
    with pytest.raises(Unreachable, match="nothing answers"):
        await access.workload("api", "main").observe()
    await access.close()
