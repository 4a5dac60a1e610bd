"""Laws that every journal keeps, whatever happened to its executors (correct-procedures 6, point 2)."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from actions.ledger.reader import LedgerReader
from actions.model.plan import Plan
from actions.model.record import RunQuery
from actions.model.run import Event, EventKind
from actions.model.words import ACTIVE_STATES, RunState
from actions.runner.forward import GRACE_SECONDS
from actions.runner.progress import RunProgress
from tests.runner.world import NEW, OLD, World

_ENDS = {RunState.SUCCEEDED, RunState.FAILED, RunState.UNDONE, RunState.ABORTED}


def check_journal(ledger: LedgerReader, world: World | None = None) -> None:
    """Asserts the laws over all runs of the ledger, and against the world where one is given."""
    report = ledger.verify()
    assert report.intact, report
    runs = list(reversed(ledger.runs(RunQuery(limit=1000)).runs))
    active = Counter(run.target for run in runs if run.state in ACTIVE_STATES)
    assert all(count <= 1 for count in active.values()), f"two active runs on one target: {active}"
    fences: dict[str, list[tuple[int, int]]] = defaultdict(list)
    effects = Counter(world.effects()) if world else Counter()
    for run in runs:
        events = ledger.events(run.id)
        fences[run.target] += [(event.seq, event.fence) for event in events if event.fence]
        _check_run(events)
        check_way_back(ledger.plan(run.id), events)
        progress = RunProgress(ledger.plan(run.id), events)
        if world is not None:
            _check_effects(events, effects, run.id)
            _check_truth(run.state, progress, world, run.id)
        if run.state in _ENDS:
            assert run.ended_at is not None
            assert run.metrics.get("ended_by") or not _open_steps(progress), "an ended run left a step under way"
    for target, seen in fences.items():
        tokens = [fence for _, fence in sorted(seen)]
        assert tokens == sorted(tokens), f"a stale token wrote on {target}: {tokens}"
    if world is not None:
        intended = {
            event.body["key"] for run in runs for event in ledger.events(run.id) if event.kind is EventKind.INTENT
        }
        assert {key for _, key in effects} <= intended, "something happened that no journal intended"
        assert all(count == 1 for count in effects.values()), f"an effect happened twice: {effects}"


def _open_steps(progress: RunProgress) -> list[int]:
    return [number for number, step in progress.steps.items() if step.open and step.failed is None]


def _check_run(events: tuple[Event, ...]) -> None:
    intended: set[int | None] = set()
    undoing = False
    token = 0
    for event in events:
        if event.kind is EventKind.LOCK_ACQUIRED:
            assert int(str(event.body["token"])) > token, "a token that did not grow"
            token = int(str(event.body["token"]))
        elif event.fence:
            assert event.fence == token, "a write under another token than the newest"
        if event.kind is EventKind.INTENT:
            assert not undoing, "a step forward after the way back had begun"
            intended.add(event.step)
        if event.kind in (EventKind.ACTED, EventKind.DONE, EventKind.UNDO_INTENT):
            assert event.step in intended, f"{event.kind.value} of step {event.step} without an intent"
        undoing = undoing or event.kind is EventKind.UNDO_INTENT
    assert [event.kind for event in events[:2]] == [EventKind.PLANNED, EventKind.APPROVED]


def check_way_back(plan: Plan, events: tuple[Event, ...]) -> None:
    """What was undone was undone within the deadline of its step, by the journal's own times."""
    budgets = {step.id: timedelta(seconds=step.budget_seconds + GRACE_SECONDS) for step in plan.steps}
    begun: dict[int, datetime] = {}
    for event in events:
        if event.step is not None and event.kind is EventKind.UNDO_INTENT:
            begun[event.step] = event.at  # an executor that died is gone on for with a deadline of its own
        elif event.step is not None and event.kind is EventKind.UNDONE:
            took = event.at - begun[event.step]
            assert took <= budgets[event.step], f"step {event.step} was undone in {took}, past its deadline"


def _check_effects(events: tuple[Event, ...], effects: Counter[tuple[str, str]], run_id: str) -> None:
    for event in events:
        if event.kind is EventKind.UNDONE:
            key = f"{run_id}.{event.step}"
            assert effects["undo", key] == effects["do", key] or effects["half", key] == effects["undo", key]


def _check_truth(state: RunState, progress: RunProgress, world: World, run_id: str) -> None:
    """An ended run says of the world what is so, for the slots it wrote last."""
    mine = {
        step.id: world.get(step.id)
        for step in progress.plan.steps
        if step.changes and step.kind in ("effect", "two-parts")
    }
    if state is RunState.SUCCEEDED:
        for number, slot in mine.items():
            if slot["key"].startswith(run_id):
                assert slot["value"] == NEW, f"succeeded, but slot {number} holds {slot}"
    if state in (RunState.UNDONE, RunState.ABORTED):
        assert not any(slot["key"].startswith(run_id) for slot in mine.values()), f"{state}, but its keys stand: {mine}"


def fully_one_way(world: World, slots: tuple[int, ...]) -> str:
    """The one value all slots hold: the two legal outcomes of an interrupted run."""
    values = world.values(slots)
    assert values in ({OLD}, {NEW}), f"half a world: {values}"
    return values.pop()
