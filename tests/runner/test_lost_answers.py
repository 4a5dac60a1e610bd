"""A write whose answer is lost: what is there decides, once it can be told; nothing happens twice."""

import asyncio
from typing import Any

import pytest

from actions.model.plan import Plan
from actions.model.run import EventKind
from actions.model.words import Command, RunState
from actions.runner import forward
from tests.ledger.plans import make_plan, step
from tests.runner.carrying import SLOTS, Bench, standard_plan
from tests.runner.journal_checker import check_journal
from tests.runner.world import NEW, OLD


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "AGAIN_SECONDS", 0.02)


def plan(kind: str = "effect", *, budget: float = 20.0, **params: Any) -> Plan:
    return make_plan(step(1, "lock", changes=False), step(2, kind, params=params, budget_seconds=budget))


def probes(bench: Bench, run_id: str) -> list[str]:
    return [str(one.body["state"]) for one in bench.ledger.events(run_id) if one.kind is EventKind.PROBED]


def attempts(bench: Bench, run_id: str) -> int:
    return sum(one.kind is EventKind.INTENT and one.step == 2 for one in bench.ledger.events(run_id))


def test_a_platform_that_is_away_for_a_moment_is_waited_for_and_its_effect_adopted(bench: Bench) -> None:
    """Row 17: the effect is there, only nobody could say so at once."""
    run_id = bench.submit(plan(fail="ambiguous", probe="away"))
    assert bench.run(run_id) is RunState.SUCCEEDED
    assert probes(bench, run_id) == ["unknown", "done"] and attempts(bench, run_id) == 1
    assert bench.world.effects() == [("do", f"{run_id}.2")]
    check_journal(bench.ledger, bench.world)


def test_a_request_that_never_arrived_is_made_once_more(bench: Bench) -> None:
    run_id = bench.submit(plan(fail="lost once"))
    assert bench.run(run_id) is RunState.SUCCEEDED
    assert probes(bench, run_id) == ["not-started"] and attempts(bench, run_id) == 2
    assert bench.world.effects() == [("sent", f"{run_id}.2"), ("do", f"{run_id}.2")]
    check_journal(bench.ledger, bench.world)


def test_half_of_a_change_is_completed_when_the_platform_is_back(bench: Bench) -> None:
    """Row 18, in the act: between two calls nobody answered."""
    run_id = bench.submit(plan("two-parts", fail="away"))
    assert bench.run(run_id) is RunState.SUCCEEDED
    assert probes(bench, run_id) == ["partial"] and attempts(bench, run_id) == 2
    assert bench.world.effects() == [("half", f"{run_id}.2"), ("do", f"{run_id}.2")]
    check_journal(bench.ledger, bench.world)


def test_what_is_lost_twice_has_failed_and_is_not_asked_for_a_third_time(bench: Bench) -> None:
    run_id = bench.submit(plan(fail="lost"))
    assert bench.run(run_id) is RunState.UNDONE
    assert probes(bench, run_id) == ["not-started"] * 2 and attempts(bench, run_id) == 2
    assert bench.world.effects() == [("sent", f"{run_id}.2")] * 2 and bench.world.get(2)["value"] == OLD


def test_who_cannot_tell_until_the_deadline_leaves_it_to_a_person(bench: Bench) -> None:
    run_id = bench.submit(plan(fail="ambiguous", probe="unknown", budget=0.2))
    assert bench.run(run_id) is RunState.NEEDS_OPERATOR
    assert probes(bench, run_id) == ["unknown"] * 2, "asked to the end, told at its beginning and its end"


def test_after_a_crash_too_the_platform_is_waited_for(bench: Bench) -> None:
    run_id = bench.submit(plan(probe="away"))
    assert bench.crash(run_id, lambda _, name: name == "effect.2.after")
    assert bench.run(run_id) is RunState.SUCCEEDED
    assert probes(bench, run_id) == ["unknown", "done"] and bench.world.get(2)["value"] == NEW


def test_between_two_changes_a_platform_that_is_away_is_waited_for(bench: Bench) -> None:
    """Row 18: half way the way back would need it just as much."""
    run_id = bench.submit(standard_plan(last={"fail": "nobody there"}))
    assert bench.run(run_id) is RunState.SUCCEEDED
    assert bench.world.values(SLOTS) == {NEW}
    check_journal(bench.ledger, bench.world)


def test_before_anything_is_changed_a_platform_that_is_away_fails_the_run_at_once(bench: Bench) -> None:
    run_id = bench.submit(plan(fail="nobody there"))
    assert bench.run(run_id) is RunState.FAILED
    assert bench.world.effects() == []


async def test_a_back_out_is_heard_while_nobody_can_tell(bench: Bench) -> None:
    run_id = bench.submit(plan(fail="ambiguous", probe="unknown"))
    task = asyncio.create_task(bench.carry(run_id))
    async with asyncio.timeout(20):
        while not probes(bench, run_id):
            await asyncio.sleep(0.01)
    bench.ledger.command(run_id, Command.BACK_OUT, by="ben")
    assert await asyncio.wait_for(task, 20) is RunState.UNDONE
    assert bench.world.get(2)["value"] == OLD
