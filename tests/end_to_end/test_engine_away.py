"""The engine cuts its answer off, or is away for a while, in the middle of a whole rollback: it goes on by itself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actions.model.plan import RollbackRequest
from actions.model.run import EventKind, RunView
from actions.model.words import RunState
from tests.docker.project import ComposeProject, ask
from tests.end_to_end.test_asked_again import ended, operator, remember, shop
from tests.end_to_end.test_crash_sweep import GOOD, project
from tests.faults.proxy import FaultProxy

__all__ = ["project", "shop"]

pytestmark = pytest.mark.machine("docker")
AWAY_SECONDS = 0.7


@pytest.fixture
async def wire(shop: ComposeProject, tmp_path: Path) -> AsyncIterator[FaultProxy]:
    """The engine is reached over a wire that can be spoilt."""
    async with FaultProxy(Path("/var/run/docker.sock"), listen=tmp_path / "engine.sock") as proxy:
        text = shop.config.read_text()
        host = f'driver = "compose"\nhost = "unix://{proxy.listen}"'
        shop.config.write_text(text.replace('driver = "compose"', host))
        yield proxy


async def rolled_back(shop: ComposeProject, spoilt: "asyncio.Task[None]") -> RunView:
    async with operator(shop.config, "shop") as desk:
        await asyncio.to_thread(remember, desk, shop)
        submitted = await desk.submit(RollbackRequest(environment="shop", service="api"))
        assert await ended(desk, submitted) is RunState.SUCCEEDED
        await spoilt
        return await desk.run(submitted.run_id)


def probes(view: RunView) -> list[str]:
    return [str(one.body["state"]) for one in view.events if one.kind is EventKind.PROBED]


async def test_17_a_create_whose_answer_is_cut_off_is_adopted(shop: ComposeProject, wire: FaultProxy) -> None:
    """It was accepted, and for a while nobody could ask whether: one container is made, and gone on with."""

    create = b"/containers/create?name=" + shop.container_name(1).encode()

    async def spoil() -> None:
        await wire.until_up(create, 60)
        wire.down.reset_peer = 0
        await asyncio.sleep(AWAY_SECONDS)
        wire.down.clear()

    view = await rolled_back(shop, asyncio.create_task(spoil()))
    assert probes(view) == ["unknown", "partial"]
    assert wire.seen_up.count(create) == 1
    assert await asyncio.to_thread(ask, shop.url + "/health") == GOOD


async def test_18_an_engine_that_goes_away_in_the_act_is_gone_on_with(shop: ComposeProject, wire: FaultProxy) -> None:
    """Between two of the calls of one step nobody answers at all, until the engine is back."""

    async def spoil() -> None:
        await wire.until_up(b"/stop?", 60)
        await wire.refuse()
        wire.drop()
        await asyncio.sleep(AWAY_SECONDS)
        await wire.accept()

    view = await rolled_back(shop, asyncio.create_task(spoil()))
    assert probes(view)[-1] == "partial"
    assert await asyncio.to_thread(ask, shop.url + "/health") == GOOD
    assert len([one for one in shop.containers() if one["State"]["Running"]]) == 1
