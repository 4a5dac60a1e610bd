"""What changed lately holds the runs that did not end as meant, beside what was noted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from actions.desk.changed import changed
from actions.ledger import open_writer
from actions.model.record import ChangeNote
from actions.model.words import RunState
from tests.fakes import facts

NOW = datetime.now(UTC)


def test_undone_and_stuck_runs_are_among_it_newest_first(tmp_path: Path) -> None:
    undone = facts.run(
        RunState.UNDONE, ended_at=NOW - timedelta(minutes=2), seconds=9.0, created_at=NOW - timedelta(minutes=3)
    )
    fine = facts.last_run()
    with open_writer(tmp_path / "ledger") as ledger:
        ledger.import_runs([(fine, facts.plan()), (undone, facts.plan())])
        note = ChangeNote(
            environment="production", at=NOW - timedelta(minutes=5), kind="release", subject="api",
            text="api: release 2.4.1 is live", by="seen",
        )  # fmt: skip
        ledger.note_change(note)
        first, second = changed(ledger, "production", 20)
        assert (first.run_id, first.kind) == (undone.id, "undone")
        assert first.text == "rollback 2.4.1 → 2.4.0: errors 7.2 % after release 2.4.1"
        assert second.text == note.text
        assert len(changed(ledger, "production", 1)) == 1
        told = note.model_copy(update={"kind": "undone", "run_id": undone.id, "text": "rollback 7QK was undone"})
        ledger.note_change(told)
        assert [one.kind for one in changed(ledger, "production", 20)] == ["undone", "release"]
