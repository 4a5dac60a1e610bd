"""The way back is kept ready: at rest from what health saw lately, after a change from facts of its own."""

import asyncio

import pytest

from actions.desk import way_back
from actions.desk.way_back import SHARED_SECONDS, WayBack
from actions.model.plan import RollbackRequest
from actions.model.way_back import RollbackFacts
from tests.releases.making import facts

REQUEST = RollbackRequest(environment="production", service="api")


class Gathering:
    """Counts gatherings, and how old what they use may be."""

    def __init__(self) -> None:
        self.allowed: list[float] = []
        self.again = asyncio.Event()

    async def __call__(self, request: RollbackRequest, within: float, seconds: float) -> RollbackFacts:
        self.allowed.append(within)
        self.again.set()
        return facts(releases=())

    async def next(self) -> float:
        """How old what the next gathering uses may be."""
        self.again.clear()
        async with asyncio.timeout(20):
            await self.again.wait()
        return self.allowed[-1]


@pytest.fixture
def gathering(monkeypatch: pytest.MonkeyPatch) -> Gathering:
    monkeypatch.setattr(way_back, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(way_back, "EVERY_SECONDS", 0.05)
    return Gathering()


async def test_only_at_rest_it_uses_what_health_saw(gathering: Gathering, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = WayBack(gathering, [REQUEST])
    living = asyncio.create_task(kept.live())
    try:
        assert await gathering.next() == 0.0
        assert await gathering.next() == SHARED_SECONDS
        monkeypatch.setattr(way_back, "EVERY_SECONDS", 1_000.0)
        kept.poke(moved=False)
        assert await gathering.next() == SHARED_SECONDS  # a note of the ledger moved nothing
        kept.poke(moved=True)
        kept.poke(moved=False)
        assert await gathering.next() == 0.0
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)


async def test_what_is_planned_from_was_asked_just_now(gathering: Gathering) -> None:
    await WayBack(gathering, [REQUEST]).fresh(REQUEST)
    assert gathering.allowed == [0.0]


async def test_a_fault_in_one_request_takes_no_other_from_being_kept_ready(gathering: Gathering) -> None:
    """It is raised to whoever supervises the task, once the others were gathered."""
    other = REQUEST.model_copy(update={"service": "worker"})
    gathered: list[str | None] = []

    async def gather(request: RollbackRequest, within: float, seconds: float) -> RollbackFacts:
        await asyncio.sleep(0)
        if request.service == "api":
            raise KeyError("shares")
        gathered.append(request.service)
        return facts(releases=())

    with pytest.raises(KeyError):
        await WayBack(gather, [REQUEST, other]).live()
    assert gathered == ["worker"]
