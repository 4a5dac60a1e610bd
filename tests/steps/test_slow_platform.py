"""Slowness of the whole platform undoes nothing: each side is judged by what the other answers at the same time."""

import asyncio
from dataclasses import replace
from math import inf

import pytest

from actions.clients.http import Answer, HttpReader, Trouble
from actions.model.errors import Slow, Undecided, VerifyFailed
from actions.steps.check_conditions import ANSWERED_SECONDS
from actions.steps.other_side import as_slow
from actions.steps.registry import registry
from actions.steps.switch_traffic import SwitchTraffic
from tests.platforms.fake import FakeAccess, FakeTrafficChanger, World, environment, front
from tests.steps.running import context, planned, run

LIMIT = 0.5
SLOW, QUICK, SILENT = 1.9, 0.01, inf


class Pace:
    """How long each slot takes to answer, as every client measures it; SILENT never answers in time."""

    def __init__(self, access: FakeAccess, world: World) -> None:
        self.seconds = dict.fromkeys(world.slots, QUICK)
        self.world = world
        service = access.environment.services["api"]
        self.slots = {slot.url.rstrip("/"): name for name, slot in service.slots.items()}

    def of(self, url: str) -> float:
        serving = max(self.world.shares, key=lambda name: self.world.shares[name])
        return self.seconds[self.slots.get(url, serving)]


@pytest.fixture
async def access(world):
    async with front(world) as addresses:
        opened = FakeAccess(environment(addresses, world, prove_seconds=0.3, validation_seconds=LIMIT), world)
        yield opened
        await opened.close()


@pytest.fixture
def pace(access, world, monkeypatch):
    given, real = Pace(access, world), HttpReader.get

    async def get(self, path="", *, fresh=False):
        seconds = given.of(self.url)
        if seconds is SILENT:
            await asyncio.sleep(0)
            return Answer(path, None, 2.0, b"", Trouble.TIMEOUT, "no complete answer within 2 s")
        return replace(await real(self, path, fresh=fresh), seconds=seconds)

    monkeypatch.setattr(HttpReader, "get", get)
    return given


def when_switched(pace, monkeypatch, **seconds):
    """From the switch on the slots take these seconds: before it, all was quick enough to be planned."""
    act = SwitchTraffic.act

    async def then(self, here):
        evidence = await act(self, here)
        pace.seconds.update(seconds)
        return evidence

    monkeypatch.setattr(SwitchTraffic, "act", then)


@pytest.mark.parametrize(
    ("blue", "green", "error"),
    [
        (SLOW, SLOW, None),
        (SILENT, SLOW, None),
        (QUICK, SLOW, VerifyFailed),
        (QUICK, SILENT, VerifyFailed),
        (SLOW, SILENT, VerifyFailed),
        (SILENT, SILENT, Undecided),
    ],
)
async def test_what_is_slow_is_left_only_for_something_better(
    access, ledger, world, pace, tmp_path, monkeypatch, blue, green, error
):
    """Users go from blue to green; what follows depends on which side answers better at the same time."""
    plan = await planned(access, ledger)
    when_switched(pace, monkeypatch, blue=blue, green=green)
    outcome = await run(access, ledger, plan, tmp_path)
    assert type(outcome.error) is (error or type(None)), outcome.error
    if error is None:
        assert "no reason to go back" in outcome.evidence["validate"].text
        assert "blue" in outcome.evidence["validate"].text
        assert world.shares == {"blue": 0.0, "green": 1.0}
    if error is Undecided:
        assert "blue does not answer either" in outcome.error.message


async def test_an_answer_that_is_wrong_is_no_slowness(access, ledger, world, pace, tmp_path, monkeypatch):
    plan = await planned(access, ledger)
    when_switched(pace, monkeypatch, blue=SILENT)
    act = SwitchTraffic.act

    async def then_ill(self, here):
        evidence = await act(self, here)
        world.slots["green"].healthy = False
        return evidence

    monkeypatch.setattr(SwitchTraffic, "act", then_ill)
    outcome = await run(access, ledger, plan, tmp_path)
    assert isinstance(outcome.error, VerifyFailed) and "switch-traffic" in outcome.undone


async def test_a_switch_that_cannot_be_proved_is_kept_while_the_other_side_is_silent(
    access, ledger, world, pace, tmp_path, monkeypatch
):
    plan = await planned(access, ledger)
    here = context(access, ledger, plan, next(one for one in plan.steps if one.kind == "switch-traffic"), tmp_path)
    switch = registry["switch-traffic"]
    await switch.act(here)

    async def unproved(self, *_):
        raise VerifyFailed("0 of 5 fresh connections carry the new generation")

    monkeypatch.setattr(FakeTrafficChanger, "verify", unproved)
    with pytest.raises(VerifyFailed):
        await switch.verify(here)  # blue answers: going back may help
    pace.seconds["blue"] = SILENT
    evidence = await switch.verify(here)
    assert "moved" not in evidence.data and "blue does not answer" in evidence.text


@pytest.mark.parametrize(("before", "kept"), [(SLOW, True), (QUICK, False), (None, False)])
async def test_with_only_one_place_it_is_compared_with_before(access, ledger, monkeypatch, tmp_path, before, kept):
    """Nothing else stands that could be asked: the answers of before the run are what there is."""
    plan = await planned(access, ledger)
    here = context(access, ledger, plan, plan.steps[0], tmp_path)
    monkeypatch.setattr("actions.steps.other_side.left_slot", lambda _: None)
    assert bool(await as_slow(here, LIMIT, before)) is kept


async def test_how_long_answers_took_before_is_written_down(access, ledger, pace, tmp_path):
    pace.seconds["blue"] = SLOW
    plan = await planned(access, ledger)
    here = context(access, ledger, plan, next(one for one in plan.steps if one.kind == "check-conditions"), tmp_path)
    assert (await registry["check-conditions"].verify(here)).data[ANSWERED_SECONDS] == SLOW
    pace.seconds["blue"] = SILENT
    assert (await registry["check-conditions"].verify(here)).data[ANSWERED_SECONDS] is None


async def test_going_back_waits_for_a_platform_that_is_slow(access, ledger, world, tmp_path, monkeypatch):
    """One late answer about the old slot is no reason to leave users where they are."""
    plan = await planned(access, ledger)
    here = context(access, ledger, plan, next(one for one in plan.steps if one.kind == "switch-traffic"), tmp_path)
    switch = registry["switch-traffic"]
    await switch.act(here)
    workload, late = FakeAccess.workload, [Slow("no answer within 5 s")]

    def slow_once(self, service, slot):
        reader = workload(self, service, slot)
        observe = reader.observe

        async def observing():
            if late:
                raise late.pop()
            return await observe()

        monkeypatch.setattr(reader, "observe", observing, raising=False)
        return reader

    monkeypatch.setattr(FakeAccess, "workload", slow_once)
    await switch.undo(here)
    assert world.shares == {"blue": 1.0, "green": 0.0} and not late
