"""The executor dies at every crash point; what resumes it leaves a whole world, each effect once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from actions.model.plan import Plan
from actions.model.run import EventKind
from actions.model.words import Command, RunState
from tests.ledger.plans import make_plan, step
from tests.runner.carrying import SLOTS, Bench, hooked, standard_plan
from tests.runner.journal_checker import check_journal, fully_one_way
from tests.runner.world import NEW, OLD


def failing_plan() -> Plan:
    return standard_plan(last={"fail": "verify"})


def points(directory: Path, plan: Callable[[], Plan]) -> list[str]:
    """The crash points that carrying this plan out passes, in order."""
    passed: list[str] = []
    bench = Bench(directory)
    with hooked(passed.append):
        bench.run(bench.submit(plan()))
    bench.close()
    return passed


@pytest.mark.parametrize(
    ("plan", "outcome", "first"),
    [(standard_plan, RunState.SUCCEEDED, "state.running.before"), (failing_plan, RunState.UNDONE, "act.5.before")],
)
def test_a_crash_at_any_point(tmp_path: Path, plan: Callable[[], Plan], outcome: RunState, first: str) -> None:
    names = points(tmp_path / "count", plan)
    assert {"act.2.before", "effect.2.after", "effect.3.middle", "acted.5.before"} <= set(names)
    bench = Bench(tmp_path / "sweep")
    for number, name in list(enumerate(names))[names.index(first) :]:
        run_id = bench.submit(plan())
        assert bench.crash(run_id, lambda seen, _, wanted=number: seen == wanted), name
        assert bench.until_ended(run_id) is outcome, name
        ours = {bench.world.get(slot)["key"].startswith(run_id) for slot in SLOTS}
        assert ours == {outcome is RunState.SUCCEEDED}, f"half a world after a crash at {name}"
        for slot in SLOTS:  # each round begins in the old world
            bench.world.put(slot, OLD, "")
    check_effects_once(bench)
    bench.close()


def check_effects_once(bench: Bench) -> None:
    effects = bench.world.effects()
    assert len(effects) == len(set(effects)), "an effect happened twice"
    assert bench.ledger.verify().intact


@pytest.mark.parametrize("second", ["effect.3.before", "probed.3.after", "intent.3.before", "verify.3.after", "half"])
def test_a_second_crash_while_recovering(bench: Bench, second: str) -> None:
    run_id = bench.submit()
    assert bench.crash(run_id, lambda _, name: name == "effect.3.middle")
    bench.crash(run_id, lambda _, name: name == second)
    assert bench.until_ended(run_id) is RunState.SUCCEEDED
    assert fully_one_way(bench.world, SLOTS) == NEW
    check_journal(bench.ledger, bench.world)


def test_a_crash_in_the_way_back_goes_on_back(bench: Bench) -> None:
    run_id = bench.submit(failing_plan())
    assert bench.crash(run_id, lambda _, name: name == "restore.3.after")
    assert bench.ledger.run(run_id).state is RunState.UNDOING
    bench.world.flag("mended").touch()  # going forward would work now, and must not happen
    assert bench.run(run_id) is RunState.UNDONE
    assert fully_one_way(bench.world, SLOTS) == OLD
    check_journal(bench.ledger, bench.world)


def test_a_recovered_step_says_so(bench: Bench) -> None:
    run_id = bench.submit()
    assert bench.crash(run_id, lambda _, name: name == "effect.2.after")
    assert bench.run(run_id) is RunState.SUCCEEDED
    view = bench.ledger.view(run_id)
    assert view.steps[1].recovered and not view.steps[2].recovered
    assert view.run.metrics["executors"] == 2


def test_after_too_many_crashes_a_person_is_asked(bench: Bench) -> None:
    run_id = bench.submit()
    for _ in range(4):
        assert bench.crash(run_id, lambda _, name: name == "probed.3.before" or name == "effect.3.middle")
    assert bench.run(run_id) is RunState.NEEDS_OPERATOR
    assert bench.resume(run_id) is RunState.SUCCEEDED, "the person resumed it"
    check_journal(bench.ledger, bench.world)


def test_when_the_probe_cannot_tell_a_person_is_asked(bench: Bench) -> None:
    plan = make_plan(step(1, "lock", changes=False), step(2, params={"probe": "unknown"}, budget_seconds=1))
    run_id = bench.submit(plan)
    assert bench.crash(run_id, lambda _, name: name == "effect.2.after")
    assert bench.run(run_id) is RunState.NEEDS_OPERATOR
    assert bench.ledger.view(run_id).manual[0] == "write 'old' into slot 2"
    bench.world.flag("mended").touch()
    for _ in range(5):
        assert bench.run(run_id) is RunState.NEEDS_OPERATOR, "nobody has said that it may go on"
    assert bench.resume(run_id) is RunState.SUCCEEDED
    assert bench.world.effects() == [("do", f"{run_id}.2")]
    check_journal(bench.ledger, bench.world)


def test_an_effect_somebody_else_removed_is_not_done_again(bench: Bench) -> None:
    run_id = bench.submit(make_plan(step(1, "lock", changes=False), step(2)))
    assert bench.crash(run_id, lambda _, name: name == "acted.2.after")
    bench.world.put(2, OLD, "somebody")
    assert bench.run(run_id) is RunState.UNDONE
    errors = [event.body.get("error") for event in bench.ledger.events(run_id) if event.kind is EventKind.FAILED]
    assert "somebody else changed it" in str(errors)
    assert bench.world.get(2) == {"value": OLD, "key": "somebody"}


def test_a_command_outlives_the_executor_that_should_have_heard_it(bench: Bench) -> None:
    run_id = bench.submit()
    assert bench.crash(run_id, lambda _, name: name == "effect.3.middle")
    bench.ledger.command(run_id, Command.BACK_OUT, by="ben")
    assert bench.crash(run_id, lambda _, name: name == "state.undoing.before")
    assert bench.run(run_id) is RunState.UNDONE
    assert fully_one_way(bench.world, SLOTS) == OLD
    check_journal(bench.ledger, bench.world)


def test_a_stolen_lock_stops_the_old_holder_before_its_next_act(bench: Bench) -> None:
    """Row 14: another executor took the token while the first one was in the middle of a step."""
    from actions.ledger.writer import LostLock

    run_id = bench.submit()

    def steal(name: str) -> None:
        if name == "effect.2.after":
            bench.ledger.acquire(run_id, actor="second executor")

    with hooked(steal), pytest.raises(LostLock, match="taken from this executor"):
        bench.run(run_id)
    assert bench.world.get(3)["value"] == OLD
    assert bench.run(run_id) is RunState.SUCCEEDED
    tokens = [event.fence for event in bench.ledger.events(run_id) if event.kind is EventKind.LOCK_ACQUIRED]
    assert tokens == [1, 2, 3]
    check_journal(bench.ledger, bench.world)
