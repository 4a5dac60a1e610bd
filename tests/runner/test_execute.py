"""A run, step by step: success, failures and the way back, without crashes."""

import asyncio

import pytest

from actions.model.environment import Environment, Notices, Webhook
from actions.model.plan import OnFailure
from actions.model.run import EventKind
from actions.model.words import Command, RunState, StepState
from tests.ledger.plans import make_plan, step
from tests.runner.carrying import SLOTS, Bench, standard_plan
from tests.runner.journal_checker import check_journal
from tests.runner.world import NEW, OLD, FakeMeasures


def kinds(bench: Bench, run_id: str) -> list[str]:
    return [event.kind.value for event in bench.ledger.events(run_id)]


def test_a_run_changes_the_world_once_and_says_so(bench: Bench) -> None:
    run_id = bench.submit()
    assert bench.run(run_id) is RunState.SUCCEEDED
    assert bench.world.values(SLOTS) == {NEW}
    view = bench.ledger.view(run_id)
    assert [one.state for one in view.steps] == [StepState.DONE] * 5
    assert view.steps[0].text == "token 1"
    assert list(view.clock) == ["decided", "acted", "moved", "recovered"]
    assert view.run.metrics["lost_writes"] is None and view.run.metrics["downtime_seconds"] == 0.0
    assert view.run.seconds is not None and view.run.ended_at is not None
    check_journal(bench.ledger, bench.world)


@pytest.mark.parametrize(("part", "code", "cause"), [
    ("act", "refused", "the platform refused"), ("verify", "failed", "does not answer"), ("crash", "failed", "Zero"),
])  # fmt: skip
def test_a_failed_step_is_undone_with_all_before_it(bench: Bench, part: str, code: str, cause: str) -> None:
    run_id = bench.submit(standard_plan(last={"fail": part}))
    assert bench.run(run_id) is RunState.UNDONE
    assert bench.world.values(SLOTS) == {OLD}
    view = bench.ledger.view(run_id)
    assert [one.state for one in view.steps][1:3] == [StepState.UNDONE] * 2
    failed = next(one for one in view.steps if one.failure is not None)
    assert view.failure == failed.failure and view.failure.step == failed.step.id
    assert view.failure.code == code and cause in view.failure.text and cause not in failed.text
    assert "hunter2" not in "".join(str(event.body) for event in view.events)
    check_journal(bench.ledger, bench.world)


def test_a_failure_before_any_effect_touches_nothing(bench: Bench) -> None:
    run_id = bench.submit(make_plan(step(1, "lock", changes=False), step(2, params={"fail": "check"})))
    assert bench.run(run_id) is RunState.FAILED
    assert bench.world.effects() == []
    reasons = [event.body.get("reason") for event in bench.ledger.events(run_id) if event.kind is EventKind.STATE]
    assert "the world moved" in str(reasons[-1]) and "nothing was changed" in str(reasons[-1])
    failure = bench.ledger.view(run_id).failure
    assert failure is not None and (failure.step, failure.code) == (2, "refused") and "world moved" in failure.text


def test_a_warning_step_does_not_stop_the_run(bench: Bench) -> None:
    look = step(3, "observe", changes=False, params={"fail": "verify"}, on_failure=OnFailure.WARN)
    run_id = bench.submit(make_plan(step(1, "lock", changes=False), step(2), look))
    assert bench.run(run_id) is RunState.SUCCEEDED
    view = bench.ledger.view(run_id)
    assert view.steps[2].state is StepState.FAILED
    assert view.failure is None and view.steps[2].failure is not None


@pytest.mark.parametrize("fail", ["ambiguous", "hang"])
def test_tidying_up_that_nobody_can_tell_about_does_not_unsettle_what_is_proved(bench: Bench, fail: str) -> None:
    tidy = step(
        3, params={"fail": fail, "probe": "unknown"}, on_failure=OnFailure.WARN, budget_seconds=0.3, title="tidy up"
    )
    run_id = bench.submit(make_plan(step(1, "lock", changes=False), step(2), tidy, step(4, "observe", changes=False)))
    assert bench.run(run_id) is RunState.SUCCEEDED
    view = bench.ledger.view(run_id)
    assert [one.state for one in view.steps][1:] == [StepState.DONE, StepState.FAILED, StepState.DONE]
    assert "cannot be told" in view.steps[2].text and view.manual == ()
    check_journal(bench.ledger, bench.world)


def test_tidying_up_that_died_and_cannot_be_told_about_is_a_warning_too(bench: Bench) -> None:
    tidy = step(3, params={"probe": "unknown"}, on_failure=OnFailure.WARN, budget_seconds=0.2)
    run_id = bench.submit(make_plan(step(1, "lock", changes=False), step(2), tidy))
    assert bench.crash(run_id, lambda _, name: name == "act.3.before")
    assert bench.run(run_id) is RunState.SUCCEEDED


def test_a_step_that_must_stop_waits_for_a_person_and_goes_on_after(bench: Bench) -> None:
    look = step(3, "observe", changes=False, params={"fail": "verify"}, on_failure=OnFailure.STOP)
    run_id = bench.submit(make_plan(step(1, "lock", changes=False), step(2), look))
    assert bench.run(run_id) is RunState.NEEDS_OPERATOR
    assert bench.ledger.view(run_id).manual[0] == "look at it by hand: step 3"
    bench.world.flag("mended").touch()
    assert bench.resume(run_id) is RunState.SUCCEEDED
    assert bench.ledger.view(run_id).manual == (), "nothing is left for a person to do"
    check_journal(bench.ledger, bench.world)


def test_a_failure_in_the_way_back_is_never_a_success(bench: Bench) -> None:
    """Row 26."""
    plan = make_plan(
        step(1, "lock", changes=False), step(2), step(3, params={"fail": "undo"}), step(4, params={"fail": "verify"})
    )
    run_id = bench.submit(plan)
    hooks = Environment(notices=Notices(webhooks={"desk": Webhook(url="http://127.0.0.1:9/x")}))
    assert bench.run(run_id, environment=hooks) is RunState.NEEDS_OPERATOR
    view = bench.ledger.view(run_id)
    assert view.manual[:2] == ("write 'old' into slot 3", "write 'old' into slot 2")
    assert [one.state for one in view.steps][1:] == [StepState.DONE, StepState.UNKNOWN, StepState.UNDONE]
    assert "needs-operator" in bench.ledger.notices()[0].text
    bench.world.flag("mended").touch()
    assert bench.run(run_id, environment=hooks) is RunState.NEEDS_OPERATOR, "nobody has said that it may go on"
    assert bench.resume(run_id) is RunState.UNDONE
    check_journal(bench.ledger, bench.world)


def test_a_lost_answer_is_probed_and_not_repeated(bench: Bench) -> None:
    run_id = bench.submit(standard_plan(last={"fail": "ambiguous"}))
    assert bench.run(run_id) is RunState.SUCCEEDED
    assert [one for one in bench.world.effects() if one == ("do", f"{run_id}.5")] == [("do", f"{run_id}.5")]
    assert "probed" in kinds(bench, run_id)


def test_a_step_that_hangs_is_ended_by_its_budget_and_probed(bench: Bench) -> None:
    plan = make_plan(step(1, "lock", changes=False), step(2, params={"fail": "hang"}, budget_seconds=0.2))
    run_id = bench.submit(plan)
    assert bench.run(run_id) is RunState.SUCCEEDED
    probed = next(event for event in bench.ledger.events(run_id) if event.kind is EventKind.PROBED)
    assert probed.body["state"] == "done"


def test_a_verification_past_its_budget_says_what_was_seen(bench: Bench) -> None:
    plan = make_plan(
        step(1, "lock", changes=False),
        step(2),
        step(3, "observe", changes=False, params={"wait": True}, budget_seconds=0.2),
    )
    run_id = bench.submit(plan)
    assert bench.run(run_id) is RunState.UNDONE
    assert "nobody said go" in bench.ledger.view(run_id).steps[2].text


def test_an_unknown_kind_of_step_fails_without_an_effect(bench: Bench) -> None:
    run_id = bench.submit(make_plan(step(1, "lock", changes=False), step(2, "teleport")))
    assert bench.run(run_id) is RunState.FAILED
    assert "no step of kind 'teleport'" in bench.ledger.view(run_id).steps[1].text


def test_a_missing_key_inside_a_step_is_not_an_unknown_step(bench: Bench) -> None:
    run_id = bench.submit(standard_plan(last={"fail": "key"}))
    assert bench.run(run_id) is RunState.UNDONE
    errors = [str(one.body["error"]) for one in bench.ledger.events(run_id) if one.kind is EventKind.FAILED]
    assert errors == ["unexpected KeyError: 'shares'"]


def test_measuring_that_fails_does_not_fail_the_run(bench: Bench) -> None:
    run_id = bench.submit()
    assert bench.run(run_id, measures=FakeMeasures(fail=True)) is RunState.SUCCEEDED
    notes = [event.body["text"] for event in bench.ledger.events(run_id) if event.kind is EventKind.NOTE]
    assert notes == ["measuring failed: unexpected OSError: no socket left"]


def test_abort_before_and_after_the_first_change(bench: Bench) -> None:
    run_id = bench.submit()
    bench.ledger.command(run_id, Command.ABORT, by="ben", reason="false alarm")
    assert bench.run(run_id) is RunState.ABORTED
    assert bench.world.effects() == []
    check_journal(bench.ledger, bench.world)


async def wait_for(bench: Bench, flag: str) -> None:
    async with asyncio.timeout(20):
        while not bench.world.flag(flag).exists():
            await asyncio.sleep(0.01)


async def wait_state(bench: Bench, run_id: str, state: RunState) -> None:
    async with asyncio.timeout(20):
        while (await asyncio.to_thread(bench.ledger.run, run_id)).state is not state:
            await asyncio.sleep(0.01)


async def test_back_out_breaks_off_a_waiting_verification(bench: Bench) -> None:
    run_id = bench.submit(standard_plan(look={"wait": True}))
    task = asyncio.create_task(bench.carry(run_id))
    await wait_for(bench, "began-4")
    with pytest.raises(Exception, match="back it out"):
        bench.ledger.command(run_id, Command.ABORT, by="ben")
    bench.ledger.command(run_id, Command.BACK_OUT, by="ben", reason="wrong service")
    assert await asyncio.wait_for(task, 20) is RunState.UNDONE
    assert bench.world.values(SLOTS) == {OLD}
    assert bench.ledger.view(run_id).steps[3].state is StepState.SKIPPED
    check_journal(bench.ledger, bench.world)


async def test_backed_out_after_it_recorded_the_record_is_taken_back(bench: Bench) -> None:
    record, look = step(3, "record", changes=False), step(4, "observe", changes=False, params={"wait": True})
    run_id = bench.submit(make_plan(step(1, "lock", changes=False), step(2), record, look))
    task = asyncio.create_task(bench.carry(run_id))
    await wait_for(bench, "began-4")
    bench.ledger.command(run_id, Command.BACK_OUT, by="ben")
    assert await asyncio.wait_for(task, 20) is RunState.UNDONE
    assert bench.world.flag("taken-back").exists() and bench.ledger.view(run_id).steps[2].state is StepState.UNDONE
    check_journal(bench.ledger, bench.world)


async def test_pause_waits_between_steps_and_another_operator_goes_on(bench: Bench) -> None:
    run_id = bench.submit(standard_plan(look={"wait": True}))
    task = asyncio.create_task(bench.carry(run_id))
    await wait_for(bench, "began-4")
    bench.ledger.command(run_id, Command.PAUSE, by="anna")
    bench.world.flag("go").touch()
    await wait_state(bench, run_id, RunState.PAUSED)
    assert bench.world.get(5)["value"] == OLD
    bench.ledger.command(run_id, Command.TAKE_OVER, by="ben", reason="shift change")
    bench.ledger.command(run_id, Command.RESUME, by="ben")
    assert await asyncio.wait_for(task, 20) is RunState.SUCCEEDED
    assert bench.ledger.run(run_id).operator == "ben"
    check_journal(bench.ledger, bench.world)


async def test_told_to_stop_it_finishes_the_step_and_pauses(bench: Bench) -> None:
    run_id = bench.submit(standard_plan(look={"wait": True}))
    told: list = []
    task = asyncio.create_task(bench.carry(run_id, ready=told.append))
    await wait_for(bench, "began-4")
    told[0].terminate()
    bench.world.flag("go").touch()
    assert await asyncio.wait_for(task, 20) is RunState.PAUSED
    assert bench.world.get(5)["value"] == OLD and bench.ledger.view(run_id).steps[3].state is StepState.DONE
    assert await bench.carry(run_id) is RunState.PAUSED and bench.world.get(5)["value"] == OLD
    bench.ledger.command(run_id, Command.RESUME, by="anna")
    assert await bench.carry(run_id) is RunState.SUCCEEDED
    check_journal(bench.ledger, bench.world)


async def test_told_twice_to_stop_it_leaves_at_the_next_safe_point(bench: Bench) -> None:
    run_id = bench.submit(standard_plan(look={"wait": True}))
    told: list = []
    task = asyncio.create_task(bench.carry(run_id, ready=told.append))
    await wait_for(bench, "began-4")
    told[0].terminate()
    told[0].terminate()
    assert await asyncio.wait_for(task, 20) is RunState.PAUSED
    assert bench.ledger.view(run_id).steps[3].state is StepState.RUNNING
    bench.world.flag("go").touch()
    bench.ledger.command(run_id, Command.RESUME, by="anna")
    assert await bench.carry(run_id) is RunState.SUCCEEDED


async def test_an_unanswered_question_is_never_passed(bench: Bench) -> None:
    """Row 58."""
    gate = {"question": "drop the old data?", "choices": ["go on", "back out"]}
    run_id = bench.submit(standard_plan(last={"gate": gate}))
    hooks = Environment(notices=Notices(webhooks={"desk": Webhook(url="http://127.0.0.1:9/x")}))
    task = asyncio.create_task(bench.carry(run_id, environment=hooks))
    await wait_state(bench, run_id, RunState.PAUSED)
    done, _ = await asyncio.wait({task}, timeout=1.5)
    assert not done and bench.world.get(5)["value"] == OLD
    assert "waits for an answer: drop the old data?" in bench.ledger.notices()[0].text
    asked = bench.ledger.gates(run_id)[0]
    with pytest.raises(Exception, match="choose one of"):
        bench.ledger.answer_gate(asked.id, "maybe", "anna")
    assert bench.ledger.answer_gate(asked.id, "go on", "anna")
    assert not bench.ledger.answer_gate(asked.id, "back out", "ben")
    assert await asyncio.wait_for(task, 20) is RunState.SUCCEEDED
    check_journal(bench.ledger, bench.world)


async def test_the_answer_back_out_undoes(bench: Bench) -> None:
    gate = {"question": "go further?", "choices": ["go on", "back out"]}
    run_id = bench.submit(standard_plan(last={"gate": gate}))
    task = asyncio.create_task(bench.carry(run_id))
    await wait_state(bench, run_id, RunState.PAUSED)
    assert bench.ledger.answer_gate(bench.ledger.gates(run_id)[0].id, "back out", "ben")
    assert await asyncio.wait_for(task, 20) is RunState.UNDONE
    assert bench.world.values(SLOTS) == {OLD}


def test_another_version_of_the_procedure_is_not_carried_on(bench: Bench) -> None:
    """Row 57."""
    fresh = bench.submit()
    assert bench.run(fresh, version="2") is RunState.FAILED
    run_id = bench.submit()
    assert bench.crash(run_id, lambda _, name: name == "effect.3.middle")
    assert bench.run(run_id, version="2") is RunState.NEEDS_OPERATOR
    bench.ledger.command(run_id, Command.BACK_OUT, by="ben")
    assert bench.run(run_id, version="2") is RunState.UNDONE
    assert bench.world.values(SLOTS) == {OLD}
    check_journal(bench.ledger, bench.world)
