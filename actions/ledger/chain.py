"""The hash chain over all events of a ledger, and its walk.

Each event's hash is sha256(previous hash, canonical JSON of the event without its two hashes). The head row holds the
last sequence number and hash; the anchor file beside the database holds both again at every start and end of a run, so
that a dropped tail is noticed even when the head was rewritten.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from actions.ledger.anchor import Anchor
from actions.ledger.rows import body_text, event_from
from actions.ledger.tables import event, head, instant, now
from actions.model.errors import LedgerError
from actions.model.record import AuditReport
from actions.model.run import Event, EventKind

GENESIS = "0" * 64
_TAIL = 20

# Made once: putting a statement together costs more than running it.
_HEAD = select(head.c.seq, head.c.hash).where(head.c.id == 1).with_for_update()
_INSERT = insert(event)
_MOVE = (
    update(head)
    .where(head.c.id == 1, head.c.seq == bindparam("from_seq"))
    .values(seq=bindparam("to_seq"), hash=bindparam("to_hash"))
)


def event_hash(row: Mapping[Any, Any]) -> str:
    """Hash of one event as stored: its `body` is canonical JSON text already."""
    plain = {key: row[key] for key in ("actor", "at", "attempt", "fence", "kind", "run_id", "seq", "step")}
    texts = {key: json.dumps(value, ensure_ascii=False, separators=(",", ":")) for key, value in plain.items()}
    texts["body"] = row["body"]
    canonical = "{" + ",".join(f'"{key}":{texts[key]}' for key in sorted(texts)) + "}"
    return hashlib.sha256((row["previous"] + canonical).encode("utf-8", "surrogatepass")).hexdigest()


def append_event(
    connection: Connection,
    run_id: str,
    kind: EventKind,
    *,
    actor: str,
    step: int | None = None,
    attempt: int = 1,
    body: Mapping[str, Any] | None = None,
    fence: int = 0,
    at: str | None = None,
) -> Event:
    """Add one event at the end of the chain, within the caller's writing transaction; `at` only for imported ones."""
    last = connection.execute(_HEAD).one()
    row: dict[str, Any] = {
        "seq": last.seq + 1,
        "run_id": run_id,
        "step": step,
        "attempt": attempt,
        "kind": kind.value,
        "fence": fence,
        "at": at or instant(now()),
        "actor": actor,
        "body": body_text(body),
        "previous": last.hash,
    }
    row["hash"] = event_hash(row)
    connection.execute(_INSERT, row)
    moved = connection.execute(_MOVE, {"from_seq": last.seq, "to_seq": row["seq"], "to_hash": row["hash"]})
    if moved.rowcount != 1:
        raise LedgerError("the ledger's head moved during a write; nothing was recorded; try again")
    return event_from(row)


def check_tail(connection: Connection, anchors: Iterable[Anchor]) -> None:
    """A cheap look at the newest events before a run starts; raises LedgerError on a broken chain."""
    last = connection.execute(select(head.c.seq, head.c.hash).where(head.c.id == 1)).one_or_none()
    newest = connection.execute(select(event).order_by(event.c.seq.desc()).limit(_TAIL)).mappings().all()
    rows = list(reversed(newest))
    problem = _broken_link(rows, rows[0]["previous"] if rows else GENESIS, rows[0]["seq"] - 1 if rows else 0)
    seq, tip = (rows[-1]["seq"], rows[-1]["hash"]) if rows else (0, GENESIS)
    reason = (
        problem[1]
        if problem
        else ""
        if last and (last.seq, last.hash) == (seq, tip)
        else "its newest events are missing"
    )
    if not reason:
        reason = next(filter(None, (_anchor_problem(connection, anchor, seq) for anchor in anchors)), "")
    if reason:
        raise LedgerError(f"the ledger's journal is broken: {reason}; no run starts on it; see 'vq-tui audit verify'")


def _anchor_problem(connection: Connection, anchor: Anchor, seq: int) -> str:
    held = anchor.held_in
    back = (
        f": an older copy was put in its place, {held} knows of a newer state ({anchor.at[:19]}Z); put the newer one"
        f" back, or move {held} away to go on with this one"
    )
    if anchor.seq > seq:
        return f"events {seq + 1} to {anchor.seq} are missing" + (back if held else "")
    found = connection.execute(select(event.c.hash).where(event.c.seq == anchor.seq)).scalar_one_or_none()
    if anchor.seq == 0 or found == anchor.hash:
        return ""
    return f"event {anchor.seq} is not the one that was anchored" + (back if held else "")


def _broken_link(rows: Iterable[Mapping[Any, Any]], previous: str, seq: int) -> tuple[int, str] | None:
    """First sequence number where the chain breaks, and how."""
    for row in rows:
        if row["seq"] != seq + 1:
            return seq + 1, f"event {seq + 1} is missing"
        if row["previous"] != previous or event_hash(row) != row["hash"]:
            return row["seq"], f"event {row['seq']} was changed"
        previous, seq = row["hash"], row["seq"]
    return None


def walk(connection: Connection, anchors: Iterable[Anchor]) -> AuditReport:
    """Verify every event, the head, and every anchor. Reads in pages, so that memory stays small."""
    previous, seq, total = GENESIS, 0, 0
    while (
        page := connection.execute(select(event).where(event.c.seq > seq).order_by(event.c.seq).limit(2_000))
        .mappings()
        .all()
    ):
        broken = _broken_link(page, previous, seq)
        if broken:
            return _report(connection, previous, broken[0], broken[1])
        previous, seq, total = page[-1]["hash"], page[-1]["seq"], total + len(page)
    last = connection.execute(select(head.c.seq, head.c.hash).where(head.c.id == 1)).one_or_none()
    if last is None or (last.seq, last.hash) != (seq, previous):
        missing = seq + 1 if last is None or last.seq > seq else last.seq
        return _report(
            connection, previous, missing, f"the head says {last.seq if last else 'nothing'}, the chain ends at {seq}"
        )
    for anchor in anchors:
        problem = _anchor_problem(connection, anchor, seq)
        if problem:
            return _report(connection, previous, min(anchor.seq, seq + 1), problem)
    return AuditReport(intact=True, events=total, head=previous)


def _report(connection: Connection, tip: str, first_bad: int, problem: str) -> AuditReport:
    total = connection.execute(select(func.count()).select_from(event)).scalar_one()
    return AuditReport(intact=False, events=total, head=tip, first_bad=first_bad, problem=problem)
