"""A rollback from its first step to its last, its faults, and its way back."""

import pytest

from actions.model.errors import Refused, Stale, VerifyFailed
from actions.model.words import ProbeState, Verdict
from actions.steps.registry import registry
from tests.platforms.fake import Crash, FakeAccess, Standing, World, artefact, environment, front
from tests.steps.running import RUN, context, planned, run


def step_of(plan, kind):
    return next(step for step in plan.steps if step.kind == kind)


async def test_happy_way_moves_traffic_and_marks_the_verdicts(access, ledger, world, tmp_path):
    plan = await planned(access, ledger)
    outcome = await run(access, ledger, plan, tmp_path)
    assert outcome.error is None and outcome.warnings == {}
    assert world.shares == {"blue": 0.0, "green": 1.0}
    assert outcome.evidence["lock"].data == {"token": 14}
    assert outcome.evidence["switch-traffic"].data["moved"] is True
    assert outcome.evidence["prove-outside"].data == {"recovered": True, "versions": ["2.4.0"]}
    assert outcome.evidence["validate"].text == "3 of 3 checks pass"
    rows = {one.version: one for one in ledger.rows.values()}
    assert rows["2.4.1"].verdict is Verdict.BAD and rows["2.4.1"].verdict_run == RUN
    assert rows["2.4.0"].verdict is Verdict.GOOD
    assert [note.kind for note in ledger.notes] == ["rollback"] and len(ledger.queued) == 1
    again = await planned(access, ledger)
    assert again.to_version == "2.3.9"


async def test_recording_twice_writes_once(access, ledger, tmp_path):
    plan = await planned(access, ledger)
    here = context(access, ledger, plan, step_of(plan, "record-verdict"), tmp_path)
    kind = registry["record-verdict"]
    for _ in range(3):
        await kind.act(here)
        assert (await kind.probe(here)).state is ProbeState.NOT_STARTED
    assert len(ledger.notes) == 1 and len(ledger.queued) == 1
    assert (await kind.verify(here)).text == "2.4.1 bad, 2.4.0 good"


async def test_a_mark_that_is_not_there_when_read_back_is_a_failure(access, ledger, tmp_path):
    plan = await planned(access, ledger)
    here = context(access, ledger, plan, step_of(plan, "record-verdict"), tmp_path)
    kind, stale = registry["record-verdict"], ledger.rows["ref:2.4.1"]
    await kind.act(here)
    ledger.save_release(stale)
    with pytest.raises(VerifyFailed, match=r"2\.4\.1 was marked bad, but read back it is candidate"):
        await kind.verify(here)
    del ledger.rows["ref:2.4.1"]
    with pytest.raises(VerifyFailed, match="read back it is not there"):
        await kind.verify(here)


async def test_undone_after_recording_the_verdict_is_taken_back(access, ledger, tmp_path):
    plan = await planned(access, ledger)
    here = context(access, ledger, plan, step_of(plan, "record-verdict"), tmp_path)
    kind = registry["record-verdict"]
    await kind.act(here)
    for _ in range(2):
        await kind.undo(here)
    row = ledger.rows["ref:2.4.1"]
    assert row.verdict is Verdict.CANDIDATE and row.soaked_seconds == 0 and "was undone" in row.verdict_reason
    assert [note.kind for note in ledger.notes] == ["rollback", "undone"]
    await kind.act(here)
    another = context(access, ledger, plan, here.step, tmp_path, "01OTHERRUN")
    assert (await kind.undo(another)).text == "no verdict of this run stands"
    assert ledger.rows["ref:2.4.1"].verdict is Verdict.BAD


async def test_a_plan_gone_stale_stops_before_anything_is_touched(access, ledger, world, tmp_path):
    plan = await planned(access, ledger)
    world.generation = "somebody-else"
    outcome = await run(access, ledger, plan, tmp_path)
    assert isinstance(outcome.error, Stale) and not world.effects


async def test_an_image_that_vanished_stops_before_anything_is_touched(access, ledger, world, tmp_path):
    world.slots["green"].artefact = artefact("2.3.9")
    plan = await planned(access, ledger)
    world.missing.add("2.4.0")
    outcome = await run(access, ledger, plan, tmp_path)
    assert isinstance(outcome.error, Refused | Stale) and not world.effects


async def test_a_standby_that_is_ill_is_found_before_users_are_sent_there(access, ledger, world, tmp_path):
    plan = await planned(access, ledger)
    world.slots["green"].healthy = False
    outcome = await run(access, ledger, plan, tmp_path)
    assert isinstance(outcome.error, VerifyFailed) and "/health answers 503" in outcome.error.message
    assert world.shares == {"blue": 1.0, "green": 0.0} and not world.effects


async def test_a_target_that_dies_after_the_switch_is_flipped_back_from(access, ledger, world, tmp_path):
    plan = await planned(access, ledger)
    prove = registry["prove-outside"]
    original = prove.act

    async def dying(here):
        world.slots["green"].healthy = False
        return await original(here)

    prove.act = dying
    try:
        outcome = await run(access, ledger, plan, tmp_path)
    finally:
        del prove.act
    assert isinstance(outcome.error, VerifyFailed) and "switch-traffic" in outcome.undone
    assert world.shares == {"blue": 1.0, "green": 0.0}
    assert ledger.rows["ref:2.4.1"].verdict is Verdict.CANDIDATE


async def test_traffic_is_not_flipped_back_to_a_slot_where_nothing_runs(access, ledger, world, tmp_path):
    plan = await planned(access, ledger)
    switch = registry["switch-traffic"]
    here = context(access, ledger, plan, step_of(plan, "switch-traffic"), tmp_path)
    await switch.act(here)
    world.slots["blue"].ready = 0
    with pytest.raises(VerifyFailed, match="going back would be worse"):
        await switch.undo(here)
    assert world.shares == {"blue": 0.0, "green": 1.0}
    assert await switch.manual(here)


async def test_wrong_version_outside_is_no_proof(access, ledger, world, tmp_path):
    plan = await planned(access, ledger)
    here = context(access, ledger, plan, step_of(plan, "prove-outside"), tmp_path)
    with pytest.raises(VerifyFailed, match=r"0 of 3 right answers in a row within 1 s: /health answers as 2\.4\.1"):
        await registry["prove-outside"].verify(here)


async def test_answers_without_a_version_need_the_platform_to_show_it(access, ledger, world, tmp_path):
    plan = await planned(access, ledger)
    world.names_version = False
    world.shares = {"blue": 0.0, "green": 1.0}
    here = context(access, ledger, plan, step_of(plan, "prove-outside"), tmp_path)
    assert "the platform shows 1/1" in (await registry["prove-outside"].verify(here)).text
    world.slots["green"].artefact = artefact("2.3.9")
    with pytest.raises(VerifyFailed, match=r"2\.3\.9 stands in green"):
        await registry["prove-outside"].verify(here)


async def test_an_endpoint_that_fails_fails_the_validation_by_name(access, ledger, world, tmp_path):
    plan = await planned(access, ledger)
    world.shares, world.endpoint_status = {"blue": 0.0, "green": 1.0}, 500
    here = context(access, ledger, plan, step_of(plan, "validate"), tmp_path)
    with pytest.raises(VerifyFailed, match="2 of 3 checks fail: /api/queues: answers 500; /api/users: answers 500"):
        await registry["validate"].verify(here)


async def test_drain_waits_for_the_last_request_and_warns_with_the_count(access, ledger, world, tmp_path):
    plan = await planned(access, ledger)
    here = context(access, ledger, plan, step_of(plan, "drain"), tmp_path)
    world.in_flight["blue"] = 3
    assert (await registry["drain"].verify(here)).data == {"in_flight": {"blue": 0}}
    world.in_flight["blue"] = 10_000
    with pytest.raises(VerifyFailed, match="blue still answers 99"):
        await registry["drain"].verify(here)


@pytest.mark.parametrize("effect", ["replace", "switch"])
@pytest.mark.parametrize("side", ["before", "after"])
async def test_after_a_crash_the_probe_decides_and_each_effect_happens_once(
    access, ledger, world, tmp_path, effect, side
):
    world.slots["green"].artefact = artefact("2.3.9")
    plan = await planned(access, ledger)
    world.crash = {f"{side}:{effect}"}
    with pytest.raises(Crash):
        await run(access, ledger, plan, tmp_path)
    for step in plan.steps:
        here, kind = context(access, ledger, plan, step, tmp_path), registry[step.kind]
        if (await kind.probe(here)).state is ProbeState.NOT_STARTED:
            await kind.protect(here)
            await kind.act(here)
        if step.kind != "check-conditions":
            await kind.verify(here)
    assert world.shares == {"blue": 0.0, "green": 1.0} and world.slots["green"].artefact.version == "2.4.0"
    assert set(world.effects.values()) == {1} and len(world.effects) == 2


async def test_undoing_twice_undoes_once(access, ledger, world, tmp_path):
    world.slots["green"].artefact = artefact("2.3.9")
    plan = await planned(access, ledger)
    changing = [step for step in plan.steps if step.changes]
    contexts = [context(access, ledger, plan, step, tmp_path) for step in changing]
    for here in contexts:
        await registry[here.step.kind].protect(here)
        await registry[here.step.kind].act(here)
    for _ in range(2):
        for here in reversed(contexts):
            await registry[here.step.kind].undo(here)
    assert world.shares == {"blue": 1.0, "green": 0.0} and world.slots["green"].artefact.version == "2.3.9"
    assert max(world.effects.values()) == 1


async def test_in_place_without_traffic_driver(ledger, tmp_path):
    known = [artefact("2.4.0")]
    stack = World({"main": Standing(artefact("2.4.1"), at_hand=known, replicas=3, ready=3)}, {"main": 1.0})
    stack.has_traffic = False
    async with front(stack) as addresses:
        opened = FakeAccess(environment(addresses, stack), stack)
        plan = await planned(opened, ledger)
        outcome = await run(opened, ledger, plan, tmp_path)
    assert outcome.error is None and stack.slots["main"].artefact.version == "2.4.0"
