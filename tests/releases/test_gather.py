"""Facts are gathered concurrently; a source that is silent is a fact, and never blocks the others."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from actions.model.environment import Environment
from actions.model.errors import UnknownNameError, Unreachable
from actions.model.health import ServiceHealth, Snapshot
from actions.model.run import Run
from actions.model.services import HttpService, PostgresService, RedisService
from actions.model.words import Gate, HealthState, RunState, Verdict
from actions.model.workloads import AddressWorkload
from actions.releases import gather as gathering
from actions.releases import reads
from actions.releases.gather import default_service, gather
from tests.platforms.fake import FakeAccess, FakeLedger, FakeTraffic, Standing, World, artefact, environment
from tests.releases.making import NOW, release, request

ADDRESSES = {"outside": "http://127.0.0.1:1", "blue": "http://127.0.0.1:2", "green": "http://127.0.0.1:3"}
PLACE = AddressWorkload(url="http://127.0.0.1:1")


@pytest.fixture
def world():
    return World(
        {"blue": Standing(artefact("2.4.1")), "green": Standing(artefact("2.4.0"))}, {"blue": 1.0, "green": 0.0}
    )


@pytest.fixture
def access(world):
    return FakeAccess(environment(ADDRESSES, world), world)


@pytest.fixture
def ledger(tmp_path):
    book = FakeLedger(tmp_path)
    book.save_release(release("2.4.1", Verdict.CANDIDATE, days=0))
    book.save_release(release("2.4.0"))
    return book


async def test_everything_a_plan_needs_is_there(access, ledger):
    facts = await gather(access, ledger, request=request())
    assert facts.choice.slot == "green" and facts.choice.warm and facts.switch.after == "green"
    assert facts.slot("green").at_hand.gate is Gate.PASS and facts.slot("green").changes == ()
    assert facts.journal.gate is Gate.PASS and facts.active is None and facts.schema_note == ""


async def test_silent_slots_and_traffic_are_facts(access, ledger, world):
    world.slots["blue"].silent = "the engine does not answer"
    facts = await gather(access, ledger, request=request())
    assert facts.slot("blue").error == "the engine does not answer" and facts.choice.to.version == "2.4.0"
    world.traffic_silent = "connection refused"
    facts = await gather(access, ledger, request=request())
    assert facts.traffic is None and "connection refused" in facts.choice.refusal


async def test_a_source_that_hangs_is_left_behind(access, ledger, monkeypatch):
    async def hanging(self):
        await asyncio.Event().wait()

    monkeypatch.setattr(gathering, "READ_SECONDS", 0.05)
    monkeypatch.setattr(FakeTraffic, "observe", hanging)
    facts = await gather(access, ledger, request=request())
    assert "no answer within" in facts.traffic_error and facts.slot("blue").current.version == "2.4.1"


async def test_a_source_that_has_become_slow_is_planned_with_as_it_was_seen(access, ledger, monkeypatch):
    """No refusal because the platform answers late: what was seen stands in, and its age is said."""
    await gather(access, ledger, request=request())
    gone = asyncio.Event()

    async def hanging(self):
        await gone.wait()
        raise Unreachable("connection refused")

    monkeypatch.setattr(FakeTraffic, "observe", hanging)
    facts = await gather(access, ledger, request=request(), seconds=0.05)
    assert facts.traffic is not None and facts.choice.slot == "green" and facts.switch is not None
    slow = next(note for note in facts.traffic.notes if note.id == "slow")
    assert slow.gate is Gate.INCONCLUSIVE and "ago" in slow.evidence
    own = await gather(access, ledger, request=request(), seconds=0.05, own_run="RUN")
    assert own.traffic is None and own.choice.refusal  # right before acting nothing old stands in
    gone.set()
    facts = await gather(access, ledger, request=request(), seconds=20)
    assert facts.traffic is None and "refused" in facts.choice.refusal  # gone is not slow


async def test_a_source_that_needs_longer_than_one_try_is_waited_for(access, ledger, monkeypatch):
    """The question goes on between two tries, and its late answer counts."""
    observe, asked, answer = FakeTraffic.observe, [], asyncio.Event()

    async def late(self):
        asked.append(self)
        await answer.wait()
        return await observe(self)

    monkeypatch.setattr(FakeTraffic, "observe", late)
    monkeypatch.setattr(reads, "TRY_SECONDS", 0.05)
    asyncio.get_running_loop().call_later(0.2, answer.set)
    facts = await gather(access, ledger, request=request(), seconds=20)
    assert facts.traffic is not None and facts.switch is not None and len(asked) == 1


async def test_the_run_that_asks_does_not_block_itself(access, ledger):
    ledger.running = Run(
        id="RUN",
        procedure="rollback",
        procedure_version="1",
        environment="production",
        service="api",
        target="production",
        state=RunState.RUNNING,
        level="emergency",
        from_version=None,
        to_version=None,
        reason="",
        operator="mira",
        origin="",
        created_at=NOW,
    )
    assert (await gather(access, ledger, request=request())).active == "RUN"
    assert (await gather(access, ledger, request=request(), own_run="RUN")).active is None


async def test_an_unwritable_journal_is_found_before_it_is_needed(access, ledger, tmp_path):
    ledger.directory = tmp_path / "gone"
    facts = await gather(access, ledger, request=request())
    assert facts.journal.gate is Gate.FAIL and facts.journal.advice


async def test_unknown_services_are_named_with_the_known(access, ledger):
    with pytest.raises(UnknownNameError, match="no service 'nothing' in 'production'; configured: api"):
        await gather(access, ledger, "nothing")


def services(**managed):
    return Environment(services=managed)


def test_the_one_service_that_can_go_back_needs_no_name():
    api, plain = HttpService(url="http://127.0.0.1:1", workload=PLACE), HttpService(url="http://127.0.0.1:1")
    data = PostgresService(dsn="postgresql://127.0.0.1/x", workload=PLACE)
    assert default_service(services(api=api, web=plain)) == "api"
    assert default_service(services(api=api, db=data, cache=RedisService(url="redis://127.0.0.1"))) == "api"
    with pytest.raises(UnknownNameError, match="name one: api, web"):
        default_service(services(api=api, web=api))
    with pytest.raises(UnknownNameError, match="no service of 'production' has a workload"):
        default_service(services(web=plain), name="production")


async def test_a_driver_that_errs_is_a_failed_reading_and_is_said(access, ledger, monkeypatch):
    async def broken(self):
        raise KeyError("spec\x1b]0;owned\x07")

    monkeypatch.setattr(FakeTraffic, "observe", broken)
    facts = await gather(access, ledger, request=request())
    assert "the reading failed: KeyError" in facts.traffic_error and "\x1b" not in facts.traffic_error
    assert facts.choice.refusal


@pytest.mark.parametrize(
    ("state", "age", "unknown"),
    [
        (HealthState.OK, 0, False),
        (HealthState.DOWN, 0, False),
        (HealthState.UNKNOWN, 0, True),
        (HealthState.OK, 60, True),
    ],
)
async def test_other_services_without_fresh_data_are_unknown(access, ledger, state, age, unknown):
    services = {**access.environment.services, "cache": RedisService(url="redis://127.0.0.1:1")}
    access.environment = access.environment.model_copy(update={"services": services})
    now = datetime.now(UTC)
    seen = now - timedelta(seconds=age)
    row = ServiceHealth(service="cache", kind="redis", state=state, word="x", observed_at=seen)
    snapshot = Snapshot(environment="production", sequence=1, at=now, services=(row,))
    facts = await gather(access, ledger, request=request(), snapshot=snapshot)
    assert facts.others_unknown == (("cache",) if unknown else ())
    assert (await gather(access, ledger, request=request())).others_unknown == ("cache",)
