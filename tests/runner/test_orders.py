"""A command that was accepted is obeyed, or its journal says why not; none is passed by in silence."""

import asyncio
from typing import Any

import pytest

from actions.model.errors import Refused
from actions.model.run import EventKind
from actions.model.words import Command, RunState
from tests.ledger.plans import make_plan, step
from tests.runner.carrying import SLOTS, Bench, hooked, standard_plan
from tests.runner.journal_checker import check_journal
from tests.runner.test_execute import wait_state
from tests.runner.world import NEW, OLD, FakeMeasures


def told_at(bench: Bench, run_id: str, point: str, what: Command, passing: int = 1) -> Any:
    """Tells the run something at a crash point, once."""
    seen = 0

    def hook(name: str) -> None:
        nonlocal seen
        seen += name == point
        if name == point and seen == passing:
            bench.ledger.command(run_id, what, by="ben", reason="stop")

    return hooked(hook)


def notes(bench: Bench, run_id: str) -> str:
    return " ".join(str(one.body["text"]) for one in bench.ledger.events(run_id) if one.kind is EventKind.NOTE)


@pytest.mark.parametrize("point", ["protect.2.before", "protect.2.after", "intent.2+clock.0.before"])
def test_an_abort_while_the_first_change_is_prepared_touches_nothing(bench: Bench, point: str) -> None:
    run_id = bench.submit()
    with told_at(bench, run_id, point, Command.ABORT):
        assert bench.run(run_id) is RunState.ABORTED
    assert bench.world.effects() == [] and bench.ledger.pending_commands(run_id) == ()
    check_journal(bench.ledger, bench.world)


def test_a_back_out_while_a_later_change_is_prepared_undoes_without_doing_it(bench: Bench) -> None:
    run_id = bench.submit()
    with told_at(bench, run_id, "protect.5.after", Command.BACK_OUT):
        assert bench.run(run_id) is RunState.UNDONE
    assert ("do", f"{run_id}.5") not in bench.world.effects() and bench.world.values(SLOTS) == {OLD}
    check_journal(bench.ledger, bench.world)


def test_an_abort_is_refused_from_the_very_intent_on(bench: Bench) -> None:
    run_id, refused = bench.submit(), []

    def hook(name: str) -> None:
        if name == "intent.2+clock.0.after":
            with pytest.raises(Refused, match="back it out"):
                bench.ledger.command(run_id, Command.ABORT, by="ben")
            refused.append(name)

    with hooked(hook):
        assert bench.run(run_id) is RunState.SUCCEEDED
    assert refused and bench.world.values(SLOTS) == {NEW}


class Telling(FakeMeasures):
    """Somebody backs out while the end of the run is measured."""

    def __init__(self, bench: Bench, run_id: str) -> None:
        super().__init__()
        self.bench, self.run_id = bench, run_id

    async def stop(self) -> dict[str, Any]:
        await asyncio.to_thread(self.bench.ledger.command, self.run_id, Command.BACK_OUT, by="ben")
        return await super().stop()


def test_a_back_out_while_the_end_is_measured_is_obeyed(bench: Bench) -> None:
    run_id = bench.submit()
    assert bench.run(run_id, measures=Telling(bench, run_id)) is RunState.UNDONE
    assert bench.world.values(SLOTS) == {OLD}
    assert bench.ledger.run(run_id).metrics["downtime_seconds"] == 0.0, "what was measured before is kept"
    check_journal(bench.ledger, bench.world)


@pytest.mark.parametrize("what", [Command.BACK_OUT, Command.PAUSE])
def test_what_comes_after_the_last_look_is_told_that_it_came_too_late(bench: Bench, what: Command) -> None:
    run_id = bench.submit()
    with told_at(bench, run_id, "finish.succeeded.before", what):
        assert bench.run(run_id) is RunState.SUCCEEDED
    assert f"'{what.value}' of ben came too late: the run ended (succeeded)" in notes(bench, run_id)
    assert bench.ledger.pending_commands(run_id) == () and bench.ledger.verify().intact


HANGS = make_plan(
    step(1, "lock", changes=False), step(2, params={"fail": "hang", "probe": "unknown"}, budget_seconds=0.2)
)


@pytest.mark.parametrize("point", ["probed.2.before", "manual.0.after", "finish.needs-operator.before"])
def test_a_back_out_that_comes_as_a_person_is_called_is_obeyed(bench: Bench, point: str) -> None:
    run_id = bench.submit(HANGS)
    with told_at(bench, run_id, point, Command.BACK_OUT):
        assert bench.run(run_id) is RunState.UNDONE
    assert bench.world.get(2)["value"] == OLD and bench.ledger.pending_commands(run_id) == ()
    check_journal(bench.ledger, bench.world)


def test_a_way_back_that_failed_is_not_begun_again_by_a_back_out_that_came_meanwhile(bench: Bench) -> None:
    run_id = bench.submit(standard_plan(last={"fail": "verify", "undo": "fails"}))
    with told_at(bench, run_id, "undo.5.before", Command.BACK_OUT):
        assert bench.run(run_id) is RunState.NEEDS_OPERATOR
    assert "'back-out' of ben came too late: the run needs a person" in notes(bench, run_id)
    assert bench.ledger.pending_commands(run_id) == ()


def test_other_words_that_come_as_a_person_is_called_are_answered(bench: Bench) -> None:
    run_id = bench.submit(HANGS)
    with told_at(bench, run_id, "probed.2.before", Command.PAUSE):
        assert bench.run(run_id) is RunState.NEEDS_OPERATOR
    assert "'pause' of ben came too late: the run needs a person" in notes(bench, run_id)
    assert bench.ledger.pending_commands(run_id) == ()


def test_a_run_closed_by_hand_answers_what_it_was_told(bench: Bench) -> None:
    look = step(2, params={"probe": "unknown"}, budget_seconds=0.2)
    run_id = bench.submit(make_plan(step(1, "lock", changes=False), look))
    assert bench.crash(run_id, lambda _, name: name == "act.2.before")
    assert bench.run(run_id) is RunState.NEEDS_OPERATOR
    bench.ledger.command(run_id, Command.BACK_OUT, by="ben")
    bench.ledger.close_run(run_id, by="anna", reason="put right by hand")
    assert "'back-out' of ben came too late" in notes(bench, run_id) and bench.ledger.pending_commands(run_id) == ()


def test_what_comes_in_while_the_owner_changes_is_obeyed_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = bench.submit()
    change = bench.ledger.change_owner

    def slow(run: str, owner: str, *, reason: str = "") -> None:
        change(run, owner, reason=reason)
        bench.ledger.command(run_id, Command.ABORT, by="cleo")

    monkeypatch.setattr(bench.ledger, "change_owner", slow)
    bench.ledger.command(run_id, Command.TAKE_OVER, by="ben")
    assert bench.run(run_id) is RunState.ABORTED
    assert bench.ledger.run(run_id).operator == "ben" and bench.world.effects() == []


async def test_what_comes_in_with_an_answer_is_obeyed_before_the_step(bench: Bench) -> None:
    gate = {"question": "go further?", "choices": ["go on", "back out"]}
    run_id = bench.submit(standard_plan(last={"gate": gate}))
    with told_at(bench, run_id, "state.running.before", Command.BACK_OUT, passing=2):
        task = asyncio.create_task(bench.carry(run_id))
        await wait_state(bench, run_id, RunState.PAUSED)
        bench.ledger.answer_gate(bench.ledger.gates(run_id)[0].id, "go on", "anna")
        assert await asyncio.wait_for(task, 20) is RunState.UNDONE
    assert ("do", f"{run_id}.5") not in bench.world.effects() and bench.world.values(SLOTS) == {OLD}


async def test_a_pause_told_with_the_answer_to_a_question_is_kept(bench: Bench) -> None:
    gate = {"question": "go further?", "choices": ["go on", "back out"]}
    run_id = bench.submit(standard_plan(last={"gate": gate}))
    task = asyncio.create_task(bench.carry(run_id))
    await wait_state(bench, run_id, RunState.PAUSED)
    bench.ledger.command(run_id, Command.PAUSE, by="ben")
    bench.ledger.answer_gate(bench.ledger.gates(run_id)[0].id, "go on", "anna")
    async with asyncio.timeout(20):
        while "paused by ben" not in [one.body.get("reason") for one in bench.ledger.events(run_id)]:
            await asyncio.sleep(0.01)
    assert bench.world.get(5)["value"] == OLD
    bench.ledger.command(run_id, Command.RESUME, by="ben")
    assert await asyncio.wait_for(task, 20) is RunState.SUCCEEDED
