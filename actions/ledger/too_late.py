"""What was told to a run and came too late is answered in its journal, never left waiting for nobody."""

from collections.abc import Collection

from sqlalchemy import Connection, select, update

from actions.ledger.chain import append_event
from actions.ledger.tables import command, instant, now
from actions.model.run import EventKind
from actions.model.words import RunState


def settle_commands(
    connection: Connection, run_id: str, end: RunState, *, actor: str, fence: int, obeyed: Collection[int] = ()
) -> None:
    """Take every command that waits; whatever was not `obeyed` (ids) is named. Part of the transaction of the end."""
    waiting = command.c.run_id == run_id, command.c.taken_at.is_(None)
    rows = connection.execute(select(command.c.id, command.c.command, command.c.by).where(*waiting)).all()
    for row in rows:
        if row.id not in obeyed:
            text = f"'{row.command}' of {row.by} came too late: the run ended ({end.value})"
            append_event(connection, run_id, EventKind.NOTE, actor=actor, body={"text": text}, fence=fence)
    if rows:
        connection.execute(update(command).where(*waiting).values(taken_at=instant(now())))
