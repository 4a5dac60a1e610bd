"""What changed lately: what was noted, and the runs that did not end as meant, which no step lived to note."""

from typing import TYPE_CHECKING

from actions.model.record import ChangeNote, RunQuery
from actions.model.run import Run
from actions.model.words import RunState

if TYPE_CHECKING:
    from actions.ledger.reader import LedgerReader

_KINDS = {
    RunState.UNDONE: "undone",
    RunState.FAILED: "failed",
    RunState.NEEDS_OPERATOR: "stuck",
}


def changed(ledger: "LedgerReader", environment: str, limit: int) -> tuple[ChangeNote, ...]:
    """Newest first. Raises LedgerError."""
    notes = ledger.changes(environment, limit)
    told = {note.run_id for note in notes if note.kind == "undone"}
    query = RunQuery(environment=environment, states=tuple(state.value for state in _KINDS), limit=limit)
    ended = [_of(run) for run in ledger.runs(query).runs if run.id not in told]
    return tuple(sorted([*notes, *ended], key=lambda note: note.at, reverse=True)[:limit])


def _of(run: Run) -> ChangeNote:
    route = f"{run.from_version or '?'} → {run.to_version or '?'}"
    return ChangeNote(
        environment=run.environment,
        at=run.ended_at or run.started_at or run.created_at,
        kind=_KINDS[run.state],
        subject=run.service,
        text=f"{run.procedure} {route}: {run.reason}".rstrip(": "),
        by=run.operator,
        run_id=run.id,
    )
