"""The way back has the deadline of its step, and every journal is held to it."""

from datetime import timedelta

import pytest

from actions.model.run import EventKind
from actions.model.words import RunState
from actions.runner import backward
from tests.ledger.plans import make_plan, step
from tests.runner.carrying import Bench
from tests.runner.journal_checker import check_journal, check_way_back


def test_a_way_back_that_hangs_is_ended_by_the_deadline_of_its_step(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 22: undone within the deadline, or a person is told; by the journal's own times."""
    monkeypatch.setattr(backward, "GRACE_SECONDS", 0.1)
    hanging = step(2, params={"undo": "hangs"}, budget_seconds=0.2)
    run_id = bench.submit(make_plan(step(1, "lock", changes=False), hanging, step(3, params={"fail": "act"})))
    assert bench.run(run_id) is RunState.NEEDS_OPERATOR
    events = [one for one in bench.ledger.events(run_id) if one.step == 2]
    failed = next(one for one in events if one.kind is EventKind.UNDO_FAILED)
    assert failed.body["error"] == "not undone within 0.2 s"
    bench.world.flag("mended").touch()
    assert bench.resume(run_id) is RunState.UNDONE
    check_journal(bench.ledger, bench.world)
    late = [one for one in bench.ledger.events(run_id) if one.kind in (EventKind.UNDO_INTENT, EventKind.UNDONE)]
    late[-1] = late[-1].model_copy(update={"at": late[-1].at + timedelta(seconds=7)})
    with pytest.raises(AssertionError, match="past its deadline"):
        check_way_back(bench.ledger.plan(run_id), tuple(late))
