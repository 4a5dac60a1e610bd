"""The writing of facts beside runs: releases, changes, notices, drills, the keeper's beat."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from actions.ledger.processes import this_process
from actions.ledger.rows import body_text, notice_from
from actions.ledger.store import WritingStore
from actions.ledger.stored import from_text, to_text
from actions.ledger.tables import change_note, drill, instant, keeper, notice, now, release
from actions.model.errors import UnknownNameError
from actions.model.identity import canonical_json
from actions.model.plan import Release
from actions.model.record import ChangeNote, Drill, Notice
from actions.model.text import clean
from actions.model.words import Verdict

_FIRST_RETRY_SECONDS = 5.0
_LAST_RETRY_SECONDS = 600.0


class Recording(WritingStore):
    """The writing of facts. Every method is one durable transaction."""

    def save_release(self, seen: Release, *, lift: bool = False) -> None:
        """Insert or replace the row of that environment, service and reference.

        A verdict 'bad' in the ledger, or that a person has taken one back, outlives whatever an observer, that read the
        row before, believes; only with `lift`, by a rollback that is undone, is 'bad' taken away.
        """
        key = {"environment": seen.environment, "service": seen.service, "reference": seen.reference}
        same = [release.c[name] == value for name, value in key.items()]
        with self._write() as connection:
            kept = connection.execute(select(release.c.body).where(*same)).scalar_one_or_none()
            if kept is not None and not lift:
                seen = _as_judged(from_text(Release, kept), seen)
            values = {"last_seen": instant(seen.last_seen), "body": to_text(seen, kept)}
            _put(connection, release, key, values)

    def note_change(self, note: ChangeNote) -> None:
        """One line of "what changed lately"."""
        with self._write() as connection:
            body = canonical_json(note.model_dump(mode="json"))
            connection.execute(insert(change_note).values(environment=note.environment, body=body))

    def save_drill(self, rehearsal: Drill) -> None:
        """Insert or replace a rehearsal by its id."""
        with self._write() as connection:
            before = connection.execute(select(drill.c.body).where(drill.c.id == rehearsal.id)).scalar_one_or_none()
            values = {
                "environment": rehearsal.environment,
                "started_at": instant(rehearsal.started_at),
                "body": to_text(rehearsal, before),
            }
            _put(connection, drill, {"id": rehearsal.id}, values)

    def queue_notice(
        self, environment: str, run_id: str | None, channel: str, text: str, body: Mapping[str, Any] | None = None
    ) -> Notice:
        """Put a message into the outbox; whoever delivers it reads it from there."""
        with self._write() as connection:
            return _queued(connection, environment, run_id, channel, text, body)

    def queue_notice_once(
        self, environment: str, run_id: str, channel: str, text: str, body: Mapping[str, Any] | None = None
    ) -> bool:
        """Put a message of a run into the outbox unless that channel has it already; whether it was put there."""
        same = notice.c.run_id == run_id, notice.c.channel == channel, notice.c.text == clean(text, multiline=True)
        with self._write() as connection:
            if connection.execute(select(notice.c.id).where(*same)).first() is not None:
                return False
            _queued(connection, environment, run_id, channel, text, body)
            return True

    def due_notices(self, limit: int = 100, run_id: str | None = None) -> tuple[Notice, ...]:
        """Unsent messages whose next attempt is due, oldest first; only those of `run_id`, where one is given."""
        due = select(notice).where(notice.c.sent_at.is_(None), notice.c.next_attempt_at <= instant(now()))
        if run_id is not None:
            due = due.where(notice.c.run_id == run_id)
        with self._read() as connection:
            rows = connection.execute(due.order_by(notice.c.id).limit(limit)).mappings()
            return tuple(notice_from(row) for row in rows)

    def notice_sent(self, notice_id: int) -> None:
        """The message was delivered."""
        with self._write() as connection:
            sent = update(notice).where(notice.c.id == notice_id, notice.c.sent_at.is_(None))
            connection.execute(sent.values(sent_at=instant(now()), attempts=notice.c.attempts + 1, error=""))

    def notice_failed(self, notice_id: int, error: str) -> None:
        """The message could not be delivered; the next attempt waits twice as long, ten minutes at most."""
        with self._write() as connection:
            attempts = connection.execute(
                select(notice.c.attempts).where(notice.c.id == notice_id)
            ).scalar_one_or_none()
            if attempts is None:
                raise UnknownNameError(f"no notice {notice_id} in the outbox")
            wait = min(_FIRST_RETRY_SECONDS * 2 ** min(attempts, 20), _LAST_RETRY_SECONDS)
            values = {
                "attempts": attempts + 1,
                "error": clean(error),
                "next_attempt_at": instant(now() + timedelta(seconds=wait)),
            }
            connection.execute(update(notice).where(notice.c.id == notice_id).values(values))

    def beat_keeper(self) -> None:
        """The calling process, which holds the keeper's lock, says that it lives."""
        who, at = this_process(), instant(now())
        identity = {"pid": who.pid, "pid_start": who.start, "boot_id": who.boot_id, "host": who.host}
        with self._write() as connection:
            same = [getattr(keeper.c, name) == value for name, value in identity.items()]
            beaten = connection.execute(update(keeper).where(keeper.c.id == 1, *same).values(beat_at=at))
            if beaten.rowcount != 1:
                _put(connection, keeper, {"id": 1}, identity | {"since": at, "beat_at": at})


def _queued(
    connection: Connection,
    environment: str,
    run_id: str | None,
    channel: str,
    text: str,
    body: Mapping[str, Any] | None,
) -> Notice:
    at = instant(now())
    values = {
        "environment": environment,
        "run_id": run_id,
        "channel": channel,
        "text": clean(text, multiline=True),
        "body": body_text(body),
        "created_at": at,
        "attempts": 0,
        "next_attempt_at": at,
        "error": "",
    }
    added = connection.execute(insert(notice).values(**values)).inserted_primary_key
    number = added[0] if added else None
    return notice_from(connection.execute(select(notice).where(notice.c.id == number)).mappings().one())


def _as_judged(kept: Release, seen: Release) -> Release:
    """`seen` with the verdict that is kept, where that one is bad, or was taken back since `seen` was read."""
    cleared = kept.cleared_at is not None and (seen.cleared_at is None or seen.cleared_at < kept.cleared_at)
    if kept.verdict is not Verdict.BAD and not cleared:
        return seen
    verdict: tuple[str, ...] = ("verdict", "verdict_reason", "verdict_at", "verdict_run", "cleared_at")
    verdict += ("soaked_seconds", "samples") if cleared else ()
    return seen.model_copy(update={name: getattr(kept, name) for name in verdict})


def _put(connection: Connection, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Update the row of that key, or insert it; the caller's transaction holds the write lock."""
    same = [table.c[name] == value for name, value in key.items()]
    if connection.execute(update(table).where(*same).values(values)).rowcount == 0:
        connection.execute(insert(table).values(key | values))
