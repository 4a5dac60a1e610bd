"""Requests become runs: one transaction, one active run a target, one run an idempotency key."""

import json
import os
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from actions.ledger.audit import row_of
from actions.ledger.chain import append_event, check_tail
from actions.ledger.effects import changed_anything
from actions.ledger.rows import metrics_values, run_values
from actions.ledger.sqlite import DiskFull, quick_check
from actions.ledger.starting import on_its_way
from actions.ledger.store import WritingStore
from actions.ledger.tables import ACTIVE, instant, lease, now, parse_instant, plan, run
from actions.ledger.target_lock import target_held
from actions.ledger.too_late import settle_commands
from actions.model.errors import Busy, LedgerError, Refused, UsageError
from actions.model.glass import BrokenGlass
from actions.model.identity import canonical_json, new_id, short_id
from actions.model.plan import Plan, RollbackRequest
from actions.model.record import Submitted
from actions.model.run import EventKind, Run
from actions.model.text import clean
from actions.model.words import RunState

LEAST_FREE_BYTES = 4 * 1024 * 1024
"""No run starts with less room than this for its journal."""

LAUNCH_SECONDS = 30
"""A queued run that nobody took for this long may be superseded; it has touched nothing."""

_CHUNK = 5_000


class Submitting(WritingStore):
    """The writing of new runs.

    `glass` says why runs are recorded here, in an emergency ledger, and not in the ledger.
    """

    glass: BrokenGlass | None = None

    def submit(
        self,
        planned: Plan,
        request: RollbackRequest,
        *,
        operator: str,
        origin: str,
        config_path: Path,
        drill: bool = False,
        how: str = "",
        supersede: bool = False,
    ) -> Submitted:
        """Record run, plan and approval at once, before anything is touched.

        The same `request.key` gives the same run. With `supersede` a run that waits for a person, is paused or lost its
        executor gives way, visibly, as long as nobody holds its lock; an emergency must not wait for yesterday's run.
        Raises Busy, or LedgerError on a broken journal or a full disk.
        """
        self._check_space()
        anchors = self._newest_anchors()
        found = _new_run(planned, request, operator=clean(operator), origin=clean(origin), drill=drill)
        if self.glass is not None:
            found = found.model_copy(update={"metrics": {"break_glass": True}})
        with ExitStack() as held, self._write() as connection:
            key = request.key or found.id
            known = connection.execute(select(run.c.id).where(run.c.idempotency_key == key)).scalar_one_or_none()
            if known is not None:
                return Submitted(run_id=known, created=False)
            check_tail(connection, anchors)
            holder = _holder(connection, planned.target)
            if holder is not None:
                self._make_way(connection, holder, found, supersede, held)
            connection.execute(insert(run).values(**run_values(found), fence=0, idempotency_key=key))
            connection.execute(insert(plan).values(_plan_values(found.id, planned, request, config_path)))
            self._opening(connection, found, planned, how)
        return Submitted(run_id=found.id, created=True)

    def _opening(self, connection: Connection, found: Run, planned: Plan, how: str) -> None:
        actor = found.operator
        append_event(connection, found.id, EventKind.PLANNED, actor=actor, body={"digest": planned.digest})
        if self.glass is not None:
            why = {"by": actor, "reason": found.reason, **self.glass.model_dump(mode="json")}
            append_event(connection, found.id, EventKind.BREAK_GLASS, actor=actor, body=why)
        approval = {"by": actor, "how": how or planned.level.value, "reason": found.reason, "origin": found.origin}
        append_event(connection, found.id, EventKind.APPROVED, actor=actor, body=approval | {"drill": found.drill})
        append_event(connection, found.id, EventKind.CLOCK, actor=actor, body={"point": "decided"})

    def ready(self) -> None:
        """Raises LedgerError when no run can start here: no space, not writable, broken journal or pages."""
        self._check_space()
        anchors = self._newest_anchors()
        with self._write() as connection:
            check_tail(connection, anchors)
        with self._read() as connection:
            problem = quick_check(connection)
        if problem:
            raise LedgerError(f"the ledger in {self.directory} is damaged: {problem}; see 'vq-tui audit verify'")

    def asked_with(self, key: str) -> str | None:
        """The run that was asked for with that idempotency key, whatever became of it."""
        with self._read() as connection:
            return connection.execute(select(run.c.id).where(run.c.idempotency_key == key)).scalar_one_or_none()

    def _check_space(self) -> None:
        facts = os.statvfs(self.directory)
        if facts.f_bavail * facts.f_frsize < LEAST_FREE_BYTES:
            raise DiskFull(
                f"the disk that holds the ledger {self.directory} is full (under {LEAST_FREE_BYTES >> 20} MiB free);"
                " no run was started; free space and try again"
            )

    def _make_way(self, connection: Connection, holder: Any, by: Run, supersede: bool, held: ExitStack) -> None:
        """End the run that holds the target, or raise Busy."""
        state = RunState(holder.state)
        busy = Busy(
            f"run {short_id(holder.id)} of {holder.operator} ({state.value}) holds '{by.target}'; attach to it with"
            f" 'vq-tui runs follow {short_id(holder.id)}'",
            run_id=holder.id,
        )
        created = parse_instant(holder.created_at)
        young = created is not None and now() - created < timedelta(seconds=LAUNCH_SECONDS)
        fresh = state is RunState.QUEUED and (young or on_its_way(self.directory, holder.id))
        if not supersede or fresh:
            raise busy
        try:
            held.enter_context(target_held(self.directory, by.target, self.identity))
        except Busy:
            raise busy from None
        effects = changed_anything(connection, holder.id)
        reason = f"superseded by run {by.id}: {by.reason}" if by.reason else f"superseded by run {by.id}"
        end_run(connection, holder.id, RunState.FAILED if effects else RunState.ABORTED, by=by.operator, reason=reason)

    def close_run(self, run_id: str, *, by: str, reason: str) -> None:
        """End a run that a person has put right by hand. Raises Busy while carried out, Refused once it has ended."""
        if not reason.strip():
            raise UsageError("closing a run needs a reason: what was done by hand, and how it stands now")
        with ExitStack() as held, self._write() as connection:
            row = connection.execute(select(run).where(run.c.id == run_id)).one_or_none()
            if row is None or not RunState(row.state).active:
                raise Refused(f"run {short_id(run_id)} is not open, it has ended; there is nothing to close")
            try:
                held.enter_context(target_held(self.directory, row.target, self.identity))
            except Busy:
                raise Busy(_carried_out(connection, row), run_id=run_id) from None
            effects = changed_anything(connection, run_id)
            end_run(connection, run_id, RunState.FAILED if effects else RunState.ABORTED, by=by, reason=reason)

    def import_runs(self, runs: Iterable[tuple[Run, Plan]]) -> int:
        """Insert runs that have ended elsewhere, oldest first, without a journal. Returns how many."""
        remaining, total = iter(runs), 0
        texts: dict[int, tuple[Plan, str, str]] = {}
        while chunk := list(islice(remaining, _CHUNK)):
            if any(one.state.active for one, _ in chunk):
                raise UsageError("only runs that have ended can be imported")
            with self._write() as connection:
                rows = [run_values(one) | {"fence": 0, "idempotency_key": one.id} for one, _ in chunk]
                connection.execute(insert(run), rows)
                connection.execute(insert(plan), [_imported_plan(one, planned, texts) for one, planned in chunk])
            total += len(chunk)
        return total


def _new_run(planned: Plan, request: RollbackRequest, *, operator: str, origin: str, drill: bool) -> Run:
    return Run(
        id=new_id(),
        procedure=planned.procedure,
        procedure_version=planned.procedure_version,
        environment=planned.environment,
        service=planned.service,
        target=planned.target,
        state=RunState.QUEUED,
        level=planned.level.value,
        from_version=planned.from_version,
        to_version=planned.to_version,
        reason=clean(request.reason or planned.reason),
        operator=operator,
        origin=origin,
        created_at=now(),
        drill=drill,
    )


def _plan_values(run_id: str, planned: Plan, request: RollbackRequest, config_path: Path) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "plan": canonical_json(planned.model_dump(mode="json")),
        "digest": planned.digest,
        "request": canonical_json(request.model_dump(mode="json")),
        "config_path": str(config_path.absolute()),
    }


def _imported_plan(one: Run, planned: Plan, texts: dict[int, tuple[Plan, str, str]]) -> dict[str, Any]:
    if id(planned) not in texts:
        texts[id(planned)] = (planned, canonical_json(planned.model_dump(mode="json")), planned.digest)
    request = RollbackRequest(environment=one.environment, service=one.service, to=one.to_version, reason=one.reason)
    return {
        "run_id": one.id,
        "plan": texts[id(planned)][1],
        "digest": texts[id(planned)][2],
        "request": canonical_json(request.model_dump(mode="json")),
        "config_path": "",
    }


def _holder(connection: Connection, target: str) -> Any:
    columns = (run.c.id, run.c.state, run.c.operator, run.c.created_at)
    return connection.execute(select(*columns).where(run.c.target == target, ACTIVE)).one_or_none()


def _carried_out(connection: Connection, row: Any) -> str:
    """Why a run cannot be closed now: who holds its target, and what to do about that."""
    holder = connection.execute(select(lease).where(lease.c.resource == row.target)).one_or_none()
    who = f"process {holder.pid} on '{holder.host}'" if holder is not None else "another process"
    name = short_id(row.id)
    return (
        f"run {name} of {row.operator} ({row.state}) is still carried out by {who}: 'vq-tui runs pause {name}' or"
        f" 'vq-tui runs back-out {name}', and close it after that; 'vq-tui runs take-over {name} --stop' ends it"
    )


def end_run(connection: Connection, run_id: str, to: RunState, *, by: str, reason: str) -> None:
    """End a run from outside, its lock being held by the caller: visible in its journal, and its token is spent."""
    row = connection.execute(select(run).where(run.c.id == run_id)).one()
    old = connection.execute(select(lease.c.pid, lease.c.token).where(lease.c.resource == row.target)).one_or_none()
    stolen = {"from_pid": old.pid if old else None, "by": by, "reason": reason}
    append_event(connection, run_id, EventKind.LOCK_STOLEN, actor=by, body=stolen)
    settle_commands(connection, run_id, to, actor=by, fence=0)
    metrics, at = json.loads(row.metrics) | {"ended_by": by, "ended_because": reason}, instant(now())
    body = {"from": row.state, "to": to.value, "reason": reason, "row": row_of(row, ended_at=at, metrics=metrics)}
    append_event(connection, run_id, EventKind.STATE, actor=by, body=body)
    connection.execute(
        update(run)
        .where(run.c.id == run_id)
        .values(metrics_values(metrics) | {"state": to.value, "ended_at": at, "fence": -1})
    )
