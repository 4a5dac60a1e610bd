"""What an executor writes: its lease, its journal, the life of its run. Every write carries its token."""

import json
import time
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from actions.ledger.audit import row_of
from actions.ledger.chain import append_event, check_tail
from actions.ledger.processes import Holder, this_process
from actions.ledger.rows import metrics_values
from actions.ledger.store import WritingStore
from actions.ledger.tables import command, instant, lease, now, parse_instant, run
from actions.ledger.too_late import settle_commands
from actions.model.errors import Busy, Refused, UnknownNameError, VqError
from actions.model.identity import short_id
from actions.model.run import Event, EventKind
from actions.model.text import clean
from actions.model.words import Command, RunState

_RUN = select(
    *(run.c.id, run.c.state, run.c.target, run.c.fence, run.c.operator),
    *(run.c.created_at, run.c.started_at, run.c.ended_at, run.c.seconds, run.c.metrics),
).where(run.c.id == bindparam("run_id"))
_STOPS = select(command.c.id).where(
    command.c.run_id == bindparam("run_id"),
    command.c.taken_at.is_(None),
    command.c.command.in_([Command.ABORT.value, Command.BACK_OUT.value]),
)
_ENDS = {RunState.SUCCEEDED, RunState.FAILED, RunState.UNDONE, RunState.ABORTED}
_MOVES: dict[RunState, set[RunState]] = {
    RunState.QUEUED: {RunState.RUNNING, RunState.PAUSED, RunState.FAILED, RunState.ABORTED, RunState.NEEDS_OPERATOR},
    RunState.RUNNING: {RunState.PAUSED, RunState.UNDOING, RunState.NEEDS_OPERATOR} | (_ENDS - {RunState.UNDONE}),
    RunState.PAUSED: {RunState.RUNNING, RunState.UNDOING, RunState.NEEDS_OPERATOR, RunState.FAILED, RunState.ABORTED},
    RunState.UNDOING: {RunState.UNDONE, RunState.PAUSED, RunState.NEEDS_OPERATOR},
    RunState.NEEDS_OPERATOR: {RunState.RUNNING, RunState.UNDOING, RunState.PAUSED, RunState.FAILED, RunState.ABORTED},
}
_FROM_OUTSIDE = {EventKind.NOTE, EventKind.CLOCK, EventKind.MEASURED, EventKind.COMMANDED}
_FROM_OUTSIDE |= {EventKind.LOCK_STOLEN}


class LostLock(Busy):
    """Another executor has the target now, or the run was ended from outside; this one stops before its next act."""


class Told(VqError):
    """An operator has told the run to stop or to go back, and it has not taken that yet."""


class Entry(NamedTuple):
    """One event to be appended together with others."""

    kind: EventKind
    step: int | None = None
    attempt: int = 1
    body: Mapping[str, Any] | None = None


class Journaling(WritingStore):
    """The writing of an executor."""

    def acquire(self, run_id: str, *, actor: str, holder: Holder | None = None) -> int:
        """A token greater than any before on this target; the caller holds the lock file.

        Raises Refused when the run has ended, LedgerError when the journal is broken at its end.
        """
        anchors = self._newest_anchors()
        who = holder or this_process()
        with self._write() as connection:
            found = _run_row(connection, run_id)
            if not RunState(found.state).active:
                raise Refused(f"run {short_id(run_id)} has ended ({found.state}); there is nothing to carry out")
            check_tail(connection, anchors)
            token = _next_lease(connection, found.target, run_id, who)
            connection.execute(update(run).where(run.c.id == run_id).values(fence=token))
            body = {"token": token, **who.model_dump(exclude={"start"}), "pid_start": who.start}
            last = append_event(connection, run_id, EventKind.LOCK_ACQUIRED, actor=actor, body=body, fence=token)
        self._anchor(last.seq, last.hash, run_id)
        return token

    def append(
        self,
        run_id: str,
        kind: EventKind,
        *,
        step: int | None = None,
        attempt: int = 1,
        body: Mapping[str, Any] | None = None,
        fence: int,
        actor: str,
    ) -> Event:
        """One event. `fence` 0 is for notes and clock points from outside; any other must be the run's current token.

        Raises LostLock on a stale token: whoever holds it must not act again.
        """
        return self.append_all(run_id, (Entry(kind, step, attempt, body),), fence=fence, actor=actor)[0]

    def append_all(
        self, run_id: str, entries: tuple[Entry, ...], *, fence: int, actor: str, heed: bool = False
    ) -> tuple[Event, ...]:
        """Several events in one transaction. Raises LostLock; with `heed` Told when an abort or a back-out waits.

        Commands are accepted by transactions of the same kind: an abort is heeded by the first intent of a change, or
        refused because of it; there is nothing between the two.
        """
        if fence == 0 and any(entry.kind not in _FROM_OUTSIDE for entry in entries):
            raise Refused(f"only an executor with a token writes '{entries[0].kind.value}' into a journal")
        with self._write() as connection:
            _check_fence(_run_row(connection, run_id), fence)
            if heed and connection.execute(_STOPS, {"run_id": run_id}).first() is not None:
                raise Told("an operator wants the run to stop here; nothing was written")
            return tuple(
                append_event(
                    connection,
                    run_id,
                    entry.kind,
                    actor=clean(actor),
                    step=entry.step,
                    attempt=entry.attempt,
                    body=entry.body,
                    fence=fence,
                )
                for entry in entries
            )

    def transition(self, run_id: str, to: RunState, *, fence: int, actor: str, reason: str = "") -> None:
        """Move the run to another state that does not end it. Raises LostLock or Refused on an impossible move."""
        with self._write() as connection:
            found = _run_row(connection, run_id)
            _check_fence(found, fence)
            self._move(connection, found, to, fence, actor, reason)

    def finish(
        self,
        run_id: str,
        state: RunState,
        metrics: Mapping[str, Any] | None = None,
        *,
        fence: int,
        actor: str,
        reason: str = "",
        seconds: float | None = None,
        obeyed: Collection[int] = (),
    ) -> None:
        """End the run, or leave it to a person; its metrics and the anchor of the chain are kept with it.

        `obeyed` are the commands that this end carries out; others that still wait are told that they came too late.
        """
        with self._write() as connection:
            found = _run_row(connection, run_id)
            _check_fence(found, fence)
            if metrics:
                kept = json.loads(found.metrics) | dict(metrics)
                connection.execute(update(run).where(run.c.id == run_id).values(metrics_values(kept)))
                append_event(connection, run_id, EventKind.MEASURED, actor=actor, body=metrics, fence=fence)
                found = _run_row(connection, run_id)
            if state in _ENDS:
                settle_commands(connection, run_id, state, actor=actor, fence=fence, obeyed=obeyed)
            last = self._move(connection, found, state, fence, actor, reason, seconds)
        self._anchor(last.seq, last.hash, run_id)

    def heartbeat(self, run_id: str, *, fence: int) -> bool:
        """Say that the executor lives; False when its lease has passed to another one."""
        with self._write() as connection:
            beat = update(lease).where(lease.c.run_id == run_id, lease.c.token == fence)
            moved = connection.execute(beat.values(beat_at=instant(now()), beat_monotonic=time.monotonic()))
            return moved.rowcount == 1

    def change_owner(self, run_id: str, owner: str, *, reason: str = "") -> None:
        """Another operator becomes the run's owner; the journal says so."""
        with self._write() as connection:
            found = _run_row(connection, run_id)
            connection.execute(update(run).where(run.c.id == run_id).values(operator=clean(owner)))
            text = f"{clean(owner)} took over from {found.operator}" + (f": {reason}" if reason else "")
            body = {"text": text, "owner": clean(owner)}
            append_event(connection, run_id, EventKind.NOTE, actor=clean(owner), body=body)

    @staticmethod
    def _move(
        connection: Connection,
        found: Any,
        to: RunState,
        fence: int,
        actor: str,
        reason: str,
        seconds: float | None = None,
    ) -> Event:
        """Move the state, within the caller's transaction."""
        old = RunState(found.state)
        if to not in _MOVES.get(old, set()):
            raise Refused(f"run {short_id(found.id)} is {old.value}; it cannot become {to.value}")
        at = now()
        values: dict[str, Any] = {"state": to.value}
        if found.started_at is None and to in (RunState.RUNNING, RunState.UNDOING):
            values["started_at"] = instant(at)
        if to in _ENDS:
            values["ended_at"] = instant(at)
            values["seconds"] = _elapsed(parse_instant(found.started_at), at) if seconds is None else seconds
        connection.execute(update(run).where(run.c.id == found.id, run.c.state == old.value).values(values))
        body = {"from": old.value, "to": to.value, "reason": reason, "row": row_of(found, **values)}
        return append_event(connection, found.id, EventKind.STATE, actor=actor, body=body, fence=fence)


def _elapsed(start: datetime | None, end: datetime) -> float | None:
    """Seconds by the wall clock, for a run that several executors carried out; None when the clock went back."""
    seconds = None if start is None else (end - start).total_seconds()
    return seconds if seconds is not None and seconds >= 0 else None


def _run_row(connection: Connection, run_id: str) -> Any:
    row = connection.execute(_RUN, {"run_id": run_id}).one_or_none()
    if row is None:
        raise UnknownNameError(f"no run '{clean(run_id, limit=60)}'; 'vq-tui runs' lists them")
    return row


def _check_fence(found: Any, fence: int) -> None:
    if fence != 0 and found.fence != fence:
        raise LostLock(
            f"run {short_id(found.id)} was taken from this executor (its token is {fence}, the run's {found.fence});"
            " it stops before its next act",
            run_id=found.id,
        )


def _next_lease(connection: Connection, target: str, run_id: str, who: Holder) -> int:
    old = connection.execute(
        select(lease.c.token, lease.c.run_id).where(lease.c.resource == target).with_for_update()
    ).one_or_none()
    at = instant(now())
    values: dict[str, Any] = {
        "run_id": run_id,
        "token": 1 if old is None else old.token + 1,
        "pid": who.pid,
        "pid_start": who.start,
        "boot_id": who.boot_id,
        "host": who.host,
        "acquired_at": at,
        "beat_at": at,
        "beat_monotonic": time.monotonic(),
    }
    if old is None:
        connection.execute(insert(lease).values(resource=target, **values))
    else:
        connection.execute(update(lease).where(lease.c.resource == target).values(values))
        if old.run_id != run_id:  # whoever still believes in the old token must not write again
            connection.execute(update(run).where(run.c.id == old.run_id).values(fence=-1))
    return int(values["token"])
