"""Only what the users of one release found counts for that release."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actions.keeper import release_watch
from actions.keeper.release_watch import ReleaseWatch
from actions.ledger import open_writer
from actions.ledger.writer import LedgerWriter
from actions.model.environment import Policy
from actions.model.health import Snapshot
from actions.model.platform import WorkloadFacts
from actions.model.words import HealthState, Verdict
from actions.model.workloads import AddressWorkload
from tests.platforms.fake import FakeAccess, FakeTraffic, FakeWorkload, Standing, World, artefact, environment
from tests.releases.making import HEALTHY

ADDRESSES = {"outside": "http://127.0.0.1:1", "blue": "http://127.0.0.1:2", "green": "http://127.0.0.1:3"}
PLACE = AddressWorkload(url="http://127.0.0.1:4")


class Watching:
    """A release watch on a world in memory, with a ledger of its own."""

    def __init__(self, ledger: LedgerWriter, **shares: float) -> None:
        slots = {"blue": Standing(artefact("2.4.0")), "green": Standing(artefact("2.4.1"))}
        self.world = World(slots, shares)
        settings = environment(ADDRESSES, self.world)
        policy = Policy(soak_seconds=0.001, soak_samples=2)
        self.access = FakeAccess(settings.model_copy(update={"policy": policy}), self.world)
        self.ledger = ledger
        self.said: list[str] = []
        self.watch = ReleaseWatch(self.access, ledger, "tests", self.said.append)

    async def look(self, times: int = 4, state: HealthState = HealthState.OK, version: str | None = None) -> None:
        for number in range(times):
            now = datetime.now(UTC)
            health = HEALTHY.model_copy(update={"state": state, "observed_at": now, "version": version})
            await self.watch.observe(Snapshot(environment="production", sequence=number, at=now, services=(health,)))
            await asyncio.sleep(0.002)  # soak is measured on the wall clock; a tick of it has to pass

    def verdicts(self) -> dict[str, Verdict]:
        return {one.version: one.verdict for one in self.ledger.releases("production", "api")}


@pytest.fixture
async def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LedgerWriter]:
    monkeypatch.setattr(release_watch, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(release_watch, "REST_SECONDS", 0.0)
    monkeypatch.setattr(release_watch, "SAVE_SECONDS", 0.0)
    with open_writer(tmp_path / "ledger") as opened:
        yield opened


async def test_a_release_with_all_the_traffic_earns_good(ledger: LedgerWriter) -> None:
    watching = Watching(ledger, blue=1.0, green=0.0)
    await watching.look()
    assert watching.verdicts() == {"2.4.0": Verdict.GOOD}


async def test_at_rest_the_platforms_are_asked_less_until_something_changes(
    ledger: LedgerWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_watch, "REST_SECONDS", 1_000.0)
    watching = Watching(ledger, blue=1.0, green=0.0)
    await watching.look(8)
    assert watching.verdicts() == {"2.4.0": Verdict.GOOD}, "while it soaks, every look counts"
    seen = ledger.releases("production", "api")[0].last_seen
    await watching.look(3)
    assert ledger.releases("production", "api")[0].last_seen == seen
    await watching.look(1, HealthState.DEGRADED)
    assert ledger.releases("production", "api")[0].last_seen > seen


async def test_a_canary_earns_nothing_from_the_health_of_the_release_beside_it(ledger: LedgerWriter) -> None:
    watching = Watching(ledger, blue=0.99, green=0.01)
    await watching.look(8)
    assert watching.verdicts() == {"2.4.0": Verdict.CANDIDATE, "2.4.1": Verdict.CANDIDATE}
    await watching.look(2, HealthState.DEGRADED)
    canary = next(one for one in ledger.releases("production", "api") if one.version == "2.4.1")
    assert canary.failures == 2 and canary.soaked_seconds == 0


async def test_a_template_whose_rollout_is_stuck_earns_nothing_from_the_old_pods(ledger: LedgerWriter) -> None:
    watching = Watching(ledger, blue=0.0, green=1.0)
    watching.world.slots["green"].rolling = "1 of 3 updated"
    await watching.look(8)
    assert watching.verdicts() == {}
    watching.world.slots["green"].rolling = ""
    await watching.look()
    assert watching.verdicts() == {"2.4.1": Verdict.GOOD}


@pytest.mark.parametrize("how", ["silent", "hangs"])
async def test_a_silent_standby_does_not_keep_the_serving_release_from_earning_good(
    ledger: LedgerWriter, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = Watching(ledger, blue=1.0, green=0.0)
    watching.world.slots["green"].silent = "the engine does not answer"
    if how == "hangs":
        hanging(monkeypatch, "green")
    await watching.look()
    assert watching.verdicts() == {"2.4.0": Verdict.GOOD} and watching.said == []


def hanging(monkeypatch: pytest.MonkeyPatch, slot: str) -> None:
    monkeypatch.setattr(release_watch, "READ_SECONDS", 0.05)
    observe = FakeWorkload.observe

    async def slow(self: FakeWorkload) -> WorkloadFacts:
        if self.slot == slot:
            await asyncio.Event().wait()
        return await observe(self)

    monkeypatch.setattr(FakeWorkload, "observe", slow)


async def test_a_silent_slot_with_traffic_is_not_judged_and_that_is_said_once(ledger: LedgerWriter) -> None:
    watching = Watching(ledger, blue=1.0, green=0.0)
    watching.world.slots["blue"].silent = "the engine does not answer"
    await watching.look()
    assert watching.verdicts() == {}
    assert watching.said == ["api: no release is judged, blue: the engine does not answer"]
    watching.world.slots["blue"].silent, watching.world.traffic_silent = "", "connection refused"
    await watching.look()
    assert watching.said[1:] == ["api: no release is judged, connection refused"]
    watching.world.traffic_silent = ""
    await watching.look()
    assert watching.verdicts() == {"2.4.0": Verdict.GOOD}


async def test_a_service_that_hangs_keeps_no_other_from_being_judged(
    ledger: LedgerWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = Watching(ledger, blue=1.0, green=0.0)
    services = watching.access.environment.services
    places = services["api"].model_copy(update={"slots": None, "traffic": None, "workload": PLACE})
    both = {"slow": places, "api": services["api"]}
    watching.world.slots["main"] = Standing(artefact("1.0.0"))
    watching.access.environment = watching.access.environment.model_copy(update={"services": both})
    hanging(monkeypatch, "main")
    monkeypatch.setattr(FakeAccess, "traffic", lambda self, name: FakeTraffic(self.world) if name == "api" else None)
    await watching.look()
    assert watching.verdicts() == {"2.4.0": Verdict.GOOD}
    assert watching.said == ["slow: no release is judged, main: no answer within 0 s"]
