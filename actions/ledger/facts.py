"""Reading everything beside runs: releases, changes, the keeper, notices, drills, and who carries a run out."""

import time

from sqlalchemy import select

from actions.ledger import locks
from actions.ledger.processes import Holder, boot_id, host_name, state_of
from actions.ledger.rows import notice_from
from actions.ledger.store import Store
from actions.ledger.stored import from_text
from actions.ledger.tables import change_note, drill, keeper, lease, notice, parse_instant, release, run
from actions.ledger.target_lock import locked_file
from actions.model.errors import UnknownNameError
from actions.model.plan import Release
from actions.model.record import ChangeNote, Drill, KeeperFacts, Notice
from actions.model.run import Executor
from actions.model.text import clean
from actions.model.words import RunState

SLOW_SECONDS = 15.0
"""Without a heartbeat for this long an executor that holds its lock counts as slow."""

KEEPER_LOCK = "keeper.lock"


class FactsReading(Store):
    """The reading of facts beside runs."""

    def releases(self, environment: str, service: str) -> tuple[Release, ...]:
        """Every release seen of that service, newest `last_seen` first."""
        with self._read() as connection:
            rows = connection.execute(
                select(release.c.body)
                .where(release.c.environment == environment, release.c.service == service)
                .order_by(release.c.last_seen.desc())
            ).scalars()
            return tuple(from_text(Release, row) for row in rows)

    def changes(self, environment: str, limit: int = 20) -> tuple[ChangeNote, ...]:
        """What changed lately, newest first."""
        with self._read() as connection:
            rows = connection.execute(
                select(change_note.c.body)
                .where(change_note.c.environment == environment)
                .order_by(change_note.c.id.desc())
                .limit(limit)
            ).scalars()
            return tuple(from_text(ChangeNote, row) for row in rows)

    def notices(self, unsent_only: bool = False, limit: int = 100) -> tuple[Notice, ...]:
        """Messages of the outbox, newest first; the unsent ones oldest first, as they are to be delivered."""
        wanted = select(notice).limit(limit)
        if unsent_only:
            wanted = wanted.where(notice.c.sent_at.is_(None)).order_by(notice.c.id)
        else:
            wanted = wanted.order_by(notice.c.id.desc())
        with self._read() as connection:
            return tuple(notice_from(row) for row in connection.execute(wanted).mappings())

    def drills(self, environment: str, limit: int = 100) -> tuple[Drill, ...]:
        """Rehearsals, newest first."""
        with self._read() as connection:
            rows = connection.execute(
                select(drill.c.body)
                .where(drill.c.environment == environment)
                .order_by(drill.c.started_at.desc(), drill.c.id.desc())
                .limit(limit)
            ).scalars()
            return tuple(from_text(Drill, row) for row in rows)

    def keeper(self) -> KeeperFacts:
        """The keeper, alive as long as its lock is held."""
        alive = locks.is_locked(self.directory / KEEPER_LOCK)
        with self._read() as connection:
            row = connection.execute(select(keeper)).one_or_none()
        if row is None:
            return KeeperFacts(alive=alive)
        return KeeperFacts(
            alive=alive, pid=row.pid, host=row.host, since=parse_instant(row.since), beat_at=parse_instant(row.beat_at)
        )

    def lease_holder(self, run_id: str) -> Holder | None:
        """The process that last took the run's target for this run."""
        with self._read() as connection:
            row = connection.execute(select(lease).where(lease.c.run_id == run_id)).one_or_none()
        return None if row is None else Holder(pid=row.pid, start=row.pid_start, boot_id=row.boot_id, host=row.host)

    def executor(self, run_id: str) -> Executor:
        """Who carries the run out, decided by the lock, then the process, then its heartbeat."""
        with self._read() as connection:
            found = connection.execute(select(run.c.target, run.c.state).where(run.c.id == run_id)).one_or_none()
            if found is None:
                raise UnknownNameError(f"no run '{clean(run_id, limit=60)}'; 'vq-tui runs' lists them")
            row = connection.execute(
                select(lease).where(lease.c.resource == found.target, lease.c.run_id == run_id)
            ).one_or_none()
        if row is None:
            return Executor(state="none")
        holder = Holder(pid=row.pid, start=row.pid_start, boot_id=row.boot_id, host=row.host)
        held = locked_file(self.directory, found.target, self.identity) is not None
        at_work = RunState(found.state) in (RunState.QUEUED, RunState.RUNNING, RunState.UNDOING)
        state, detail = _judge(holder, held, at_work, row.beat_monotonic)
        return Executor(
            state=state,
            pid=row.pid,
            host=row.host,
            heartbeat_at=parse_instant(row.beat_at),
            token=row.token,
            detail=detail,
        )


def _judge(holder: Holder, held: bool, at_work: bool, beat_monotonic: float) -> tuple[str, str]:
    """State and special circumstance of an executor."""
    if not held:
        if not at_work:
            return "none", ""
        restarted = holder.host == host_name() and holder.boot_id != boot_id()
        return "dead", "the machine was restarted since" if restarted else "its process is gone"
    if holder.host != host_name():
        return "slow", f"it runs on '{holder.host}'; only its lock is seen from here"
    process = state_of(holder)
    if process is None:
        return "slow", "its process is gone, but a child of it still works and holds the lock"
    if process in "Tt":
        return "stopped", "its process is stopped (SIGSTOP)"
    age = time.monotonic() - beat_monotonic
    return ("alive", "") if age <= SLOW_SECONDS else ("slow", f"no heartbeat for {age:.0f} s")
