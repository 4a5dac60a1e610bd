"""A view that is kept up to date event by event is the view that is folded from the whole journal."""

from pathlib import Path

import pytest

from actions.ledger import history, open_reader
from actions.ledger.writer import LedgerWriter
from actions.model.run import Event, EventKind, RunView, fold
from actions.model.words import RunState
from tests.ledger.filling import finished, submit
from tests.runner.carrying import Bench, standard_plan


@pytest.mark.parametrize("last", [{}, {"fail": "verify"}, {"fail": "verify", "undo": "fails"}])
def test_folding_in_parts_is_folding_at_once(tmp_path: Path, last: dict[str, str]) -> None:
    bench = Bench(tmp_path)
    run_id = bench.submit(standard_plan(last=last))
    bench.run(run_id)
    ledger = bench.ledger
    run, plan, events = ledger.run(run_id), ledger.plan(run_id), ledger.events(run_id)
    whole, view = fold(run, plan, events), fold(run, plan, ())
    for number, event in enumerate(events):
        view = view.advance(run, (event,))
        assert view == fold(run, plan, events[: number + 1])
    assert view == whole and view.advance(run, ()) is view
    bench.close()


def test_only_new_events_are_read(ledger: LedgerWriter, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = submit(ledger)
    token = ledger.acquire(run_id, actor="x")
    read: list[Event] = []
    whole = history._events

    def counted(*words: object) -> tuple[Event, ...]:
        events = whole(*words)  # type: ignore[arg-type]
        read.extend(events)
        return events

    monkeypatch.setattr(history, "_events", counted)
    with open_reader(directory) as reader:
        first = reader.view(run_id)
        assert len(read) == len(first.events) == 4
        read.clear()
        ledger.append(run_id, EventKind.PROGRESS, step=2, body={"text": "more"}, fence=token, actor="x")
        second = reader.view(run_id)
        assert len(read) == 2 and second.events[:4] == first.events and second.steps[1].text == "more"
        ledger.transition(run_id, RunState.RUNNING, fence=token, actor="x")
        assert reader.view(run_id).run.state is RunState.RUNNING
        assert reader.view(run_id) is reader.view(run_id), "nothing new is the same view"


def test_many_runs_looked_at_are_not_all_held(ledger: LedgerWriter) -> None:
    views: dict[str, RunView] = {}
    for _ in range(6):
        run_id = finished(ledger)
        views[run_id] = ledger.view(run_id)
    assert all(ledger.view(run_id) == view for run_id, view in views.items())
    assert len(ledger._views) <= 3
