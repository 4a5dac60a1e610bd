"""Users are sent only to what is proved now, and taken back only from where they were really sent."""

import pytest

from actions.model.errors import Stale, VerifyFailed
from actions.steps.registry import registry
from tests.platforms.fake import artefact
from tests.steps.running import context, planned, run


async def switching(access, ledger, folder):
    plan = await planned(access, ledger)
    step = next(one for one in plan.steps if one.kind == "switch-traffic")
    return context(access, ledger, plan, step, folder)


async def test_the_slot_is_looked_at_again_right_before_the_switch(access, ledger, world, tmp_path):
    here, switch = await switching(access, ledger, tmp_path), registry["switch-traffic"]
    assert "green 1/1 ready" in (await switch.check(here)).text
    world.slots["green"].ready = 0
    with pytest.raises(Stale, match="users are not sent to green: 0 of 1 ready"):
        await switch.check(here)
    world.slots["green"].ready, world.slots["green"].artefact = 1, artefact("2.3.9")
    with pytest.raises(Stale, match=r"2\.3\.9 stands there"):
        await switch.check(here)


async def test_a_plan_of_before_is_still_carried_out(access, ledger, world, tmp_path):
    here = await switching(access, ledger, tmp_path)
    params = {name: value for name, value in here.step.params.items() if name != "reference"}
    old = context(access, ledger, here.plan, here.step.model_copy(update={"params": params}), tmp_path)
    world.slots["green"].ready = 0
    assert (await registry["switch-traffic"].check(old)).text == "as planned"


async def test_a_slot_that_died_since_it_was_proved_gets_no_users(access, ledger, world, tmp_path, monkeypatch):
    plan, prove = await planned(access, ledger), registry["prove-slot"]
    proved = prove.verify

    async def then_it_dies(here):
        evidence = await proved(here)
        world.slots["green"].ready = 0
        return evidence

    monkeypatch.setattr(prove, "verify", then_it_dies, raising=False)
    outcome = await run(access, ledger, plan, tmp_path)
    assert isinstance(outcome.error, Stale) and not world.effects
    assert world.shares == {"blue": 1.0, "green": 0.0}


@pytest.mark.parametrize("silent", ["", "connection refused"])
async def test_a_switch_that_never_happened_is_undone_though_the_old_slot_died(access, ledger, world, tmp_path, silent):
    here = await switching(access, ledger, tmp_path)
    world.slots["blue"].ready, world.slots["blue"].silent = 0, silent
    assert (await registry["switch-traffic"].undo(here)).text.startswith("traffic was never switched")
    assert world.shares == {"blue": 1.0, "green": 0.0} and not world.effects


async def test_a_way_back_that_would_be_worse_names_who_keeps_the_traffic(access, ledger, world, tmp_path):
    here, switch = await switching(access, ledger, tmp_path), registry["switch-traffic"]
    await switch.act(here)
    world.slots["blue"].ready = 0
    with pytest.raises(VerifyFailed, match="traffic stays with green 100%: nothing runs in blue any more"):
        await switch.undo(here)
    world.traffic_silent = "the router is gone"
    with pytest.raises(VerifyFailed, match="nobody can tell where .the router is gone.: nothing runs in blue"):
        await switch.undo(here)
