"""Bringing a run of the emergency ledger into this one, whole or not at all.

Its events are chained anew at the end of this journal. Each keeps its own time, and in its body its place in the chain
it was written in (`original`), from which its first hash can be computed again.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, or_, select, update

from actions.ledger.chain import append_event
from actions.ledger.reader import LedgerReader
from actions.ledger.rows import metrics_values
from actions.ledger.store import WritingStore
from actions.ledger.stored import from_text, to_text
from actions.ledger.tables import change_note, event, instant, notice, now, plan, release, run
from actions.model.errors import Refused
from actions.model.identity import short_id
from actions.model.plan import Release
from actions.model.record import ChangeNote
from actions.model.run import EventKind
from actions.model.words import RunState, Verdict

_VERDICT = ("verdict", "verdict_reason", "verdict_at", "verdict_run")
_SERVES = {RunState.SUCCEEDED.value: "to", RunState.UNDONE.value: "from"}
"""Which end of a rollback serves after it; after any other end nobody can say."""


class Carried(NamedTuple):
    """One ended run as the emergency ledger holds it: rows of its tables."""

    run: Mapping[str, Any]
    plan: Mapping[str, Any]
    events: tuple[Mapping[str, Any], ...]
    releases: tuple[Release, ...]
    notes: tuple[str, ...]
    notices: tuple[Mapping[str, Any], ...]
    last_of_service: bool

    @property
    def pins(self) -> dict[str, Any]:
        """What its plan was bound to: `from` and `to` are references."""
        return dict(json.loads(self.plan["plan"])["pins"])


class Carrying(LedgerReader):
    """An emergency ledger, read to be carried over."""

    def carried(self, run_id: str) -> Carried:
        """One run with all that was written of it."""
        with self._read() as connection:
            found = connection.execute(select(run).where(run.c.id == run_id)).mappings().one()
            planned = connection.execute(select(plan).where(plan.c.run_id == run_id)).mappings().one()
            events = connection.execute(select(event).where(event.c.run_id == run_id).order_by(event.c.seq)).mappings()
            place = (run.c.environment == found["environment"], run.c.service == found["service"])
            later = connection.execute(select(run.c.id).where(*place, run.c.number > found["number"])).first()
            same = release.c.environment == found["environment"], release.c.service == found["service"]
            bodies = connection.execute(select(release.c.body).where(*same)).scalars()
            notes = connection.execute(
                select(change_note.c.body)
                .where(change_note.c.environment == found["environment"])
                .order_by(change_note.c.id)
            ).scalars()
            unsent = select(notice).where(notice.c.run_id == run_id, notice.c.sent_at.is_(None)).order_by(notice.c.id)
            return Carried(
                dict(found),
                dict(planned),
                tuple(map(dict, events)),
                tuple(from_text(Release, one) for one in bodies),
                tuple(one for one in notes if from_text(ChangeNote, one).run_id == run_id),
                tuple(map(dict, connection.execute(unsent).mappings())),
                later is None,
            )

    def why(self, run_id: str) -> dict[str, Any]:
        """What its journal says of the ledger that was refused; empty for a run that broke no glass."""
        with self._read() as connection:
            wanted = event.c.run_id == run_id, event.c.kind == EventKind.BREAK_GLASS.value
            body = connection.execute(select(event.c.body).where(*wanted)).scalars().first()
        return json.loads(body) if body else {}

    def journaled(self) -> tuple[str, ...]:
        """Ids of all runs, oldest first."""
        with self._read() as connection:
            return tuple(connection.execute(select(run.c.id).order_by(run.c.number)).scalars())


class Importing(WritingStore):
    """The writing of runs that were made elsewhere."""

    def bring_in(self, carried: Carried, *, source: Path, by: str) -> tuple[str, ...] | None:
        """One ended run, in one transaction; the conflicts that were seen, or None when it stood here already."""
        if RunState(carried.run["state"]).active:
            raise Refused(f"run {short_id(carried.run['id'])} has not ended; it cannot be brought in yet")
        with self._write() as connection:
            if connection.execute(select(run.c.id).where(run.c.id == carried.run["id"])).first() is not None:
                return None
            conflicts = tuple(_conflicts(connection, carried))
            _insert_run(connection, carried, conflicts)
            for row in carried.events:
                original = {name: row[name] for name in ("seq", "previous", "hash", "at")}
                append_event(
                    connection,
                    row["run_id"],
                    EventKind(row["kind"]),
                    actor=row["actor"],
                    step=row["step"],
                    attempt=row["attempt"],
                    body=json.loads(row["body"]) | {"original": original},
                    fence=row["fence"],
                    at=row["at"],
                )
            body = {
                "by": by,
                "from": str(source),
                "events": len(carried.events),
                "head": carried.events[-1]["hash"],
                "conflicts": list(conflicts),
            }
            last = append_event(connection, carried.run["id"], EventKind.IMPORTED, actor=by, body=body)
            _settle_releases(connection, carried)
            _hand_on(connection, carried)
        self._anchor(last.seq, last.hash, carried.run["id"])
        return conflicts


def _insert_run(connection: Connection, carried: Carried, conflicts: tuple[str, ...]) -> None:
    key = carried.run["idempotency_key"]
    taken = connection.execute(select(run.c.id).where(run.c.idempotency_key == key)).first() is not None
    metrics = json.loads(carried.run["metrics"]) | {"break_glass": True, "imported_at": instant(now())}
    if conflicts:
        metrics["conflicts"] = list(conflicts)
    values = {name: value for name, value in carried.run.items() if name != "number"}
    values |= metrics_values(metrics) | {"fence": -1, "idempotency_key": carried.run["id"] if taken else key}
    connection.execute(insert(run).values(values))
    connection.execute(insert(plan).values(dict(carried.plan)))


def _conflicts(connection: Connection, carried: Carried) -> Iterable[str]:
    """What happened here that this run did not know of: for a person to look at."""
    mine, name = carried.run, short_id(carried.run["id"])
    began, ended = mine["started_at"] or mine["created_at"], mine["ended_at"] or mine["created_at"]
    overlapping = select(run.c.id, run.c.operator, run.c.state).where(
        run.c.target == mine["target"],
        run.c.broke_glass.is_(False),
        run.c.created_at <= ended,
        or_(run.c.ended_at.is_(None), run.c.ended_at >= began),
    )
    for one in connection.execute(overlapping.order_by(run.c.number)):
        yield f"run {name} overlaps in time with run {short_id(one.id)} of {one.operator} ({one.state}), same target"
    serves = carried.pins.get(_SERVES.get(mine["state"], ""))
    if not serves or not carried.last_of_service:
        return
    for kept in _kept(connection, carried):
        if kept.reference != serves and instant(kept.last_seen) > ended:
            version = mine["to_version"] if mine["state"] == RunState.SUCCEEDED.value else mine["from_version"]
            yield (
                f"{kept.version} was observed serving {mine['service']} at {kept.last_seen:%Y-%m-%d %H:%M:%S}Z, after"
                f" run {name} had left {version} serving"
            )


def _kept(connection: Connection, carried: Carried) -> tuple[Release, ...]:
    same = release.c.environment == carried.run["environment"], release.c.service == carried.run["service"]
    rows = connection.execute(select(release.c.body).where(*same).order_by(release.c.last_seen)).scalars()
    return tuple(from_text(Release, one) for one in rows)


def _settle_releases(connection: Connection, carried: Carried) -> None:
    """Bad travels, so that nobody ever returns to what was left; of what served it is known that it was seen."""
    kept = {one.reference: one for one in _kept(connection, carried)}
    ends = {carried.pins.get("from"), carried.pins.get("to")}
    for one in carried.releases:
        marked = one.verdict is Verdict.BAD and one.verdict_run == carried.run["id"]
        here = kept.get(one.reference)
        if here is None and (marked or one.reference in ends):
            _put_release(connection, one, new=True)
        elif here is not None and marked and here.verdict is not Verdict.BAD:
            _put_release(connection, here.model_copy(update={name: getattr(one, name) for name in _VERDICT}))
        elif here is not None and one.reference == carried.pins.get("to") and one.last_seen > here.last_seen:
            _put_release(connection, here.model_copy(update={"last_seen": one.last_seen}))


def _put_release(connection: Connection, one: Release, *, new: bool = False) -> None:
    key = {"environment": one.environment, "service": one.service, "reference": one.reference}
    same = [release.c[name] == key[name] for name in key]
    before = None if new else connection.execute(select(release.c.body).where(*same)).scalar_one()
    values = {"last_seen": instant(one.last_seen), "body": to_text(one, before)}
    if new:
        connection.execute(insert(release).values(key | values))
    else:
        connection.execute(update(release).where(*same).values(values))


def _hand_on(connection: Connection, carried: Carried) -> None:
    """The lines of "what changed lately", and the notices that no channel took yet."""
    for body in carried.notes:
        connection.execute(insert(change_note).values(environment=carried.run["environment"], body=body))
    at = instant(now())
    for row in carried.notices:
        values = {name: value for name, value in row.items() if name != "id"}
        connection.execute(insert(notice).values(values | {"created_at": at, "next_attempt_at": at, "attempts": 0}))
