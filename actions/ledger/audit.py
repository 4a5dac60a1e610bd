"""Whether what people read of runs is what the chained journal says of them. The chain itself is `chain.walk`.

A run's row is kept for reading: its state, versions, reason, who and how long. Whoever changes a row behind the
ledger's back changes no event, so each column is compared with the events that wrote it. Journals of before an event
carried a column say nothing of it, and are no contradiction.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from actions.ledger.rows import marks_of, tidy
from actions.ledger.tables import event, plan, run
from actions.model.identity import text_digest
from actions.model.run import EventKind

KEPT = ("created_at", "started_at", "ended_at", "seconds")
"""Columns that the last state carries in its `row`, beside `metrics`."""

_PLANNED = ("procedure", "procedure_version", "environment", "service", "target", "level", "from_version", "to_version")
_APPROVED = ("reason", "origin", "drill")
_IMPORTING = {"imported_at", "conflicts", "break_glass"}
_TELLING = (
    EventKind.PLANNED,
    EventKind.APPROVED,
    EventKind.BREAK_GLASS,
    EventKind.STATE,
    EventKind.MEASURED,
    EventKind.NOTE,
    EventKind.LOCK_STOLEN,
    EventKind.IMPORTED,
)


def row_of(found: Any, **changed: Any) -> dict[str, Any]:
    """What a run's row says from now on, as the journal keeps it with each state."""
    kept = {name: changed.get(name, getattr(found, name)) for name in KEPT}
    return kept | {"metrics": changed.get("metrics", json.loads(found.metrics))}


@dataclass
class _Said:
    """What the journal of one run says, folded from its events in order."""

    digest: str | None = None
    state: str = "queued"
    approved: Mapping[str, Any] = field(default_factory=dict)
    row: Mapping[str, Any] = field(default_factory=dict)
    owners: set[str] = field(default_factory=set)
    measured: list[Mapping[str, Any]] = field(default_factory=list)
    marks: dict[str, list[Any]] = field(default_factory=dict)

    def see(self, kind: str, actor: str, body: Mapping[str, Any]) -> None:
        if kind == EventKind.PLANNED:
            self.digest = body.get("digest")
        elif kind == EventKind.APPROVED:
            self.approved, self.owners = body, {str(body.get("by"))}
        elif kind == EventKind.STATE:
            self.state, self.row = str(body.get("to")), body.get("row") or {}
        elif kind == EventKind.MEASURED:
            self.measured.append(body)
        elif kind == EventKind.NOTE and isinstance(body.get("owner"), str):
            self.owners = {body["owner"]}
        elif kind == EventKind.NOTE and str(body.get("text")).startswith(f"{actor} took over from "):
            self.owners.add(actor)  # before `owner` was written; a person may have written such a note as well
        elif kind == EventKind.LOCK_STOLEN:
            self.marks |= {"ended_by": [body.get("by")], "ended_because": [body.get("reason")]}
        elif kind == EventKind.BREAK_GLASS:
            self.marks["break_glass"] = [True]
        elif kind == EventKind.IMPORTED:
            self.marks["conflicts"] = [body.get("conflicts")]

    def metric(self, name: str, value: Any) -> bool:
        """Whether something in the journal gave that figure that value."""
        if name == "imported_at":
            return "conflicts" in self.marks
        said = [body[name] for body in self.measured if name in body]
        return value in said or any(value == tidy(one) for one in self.marks.get(name, []))


def contradiction(connection: Connection) -> str:
    """How a run's row or plan contradicts its journal; empty when none does."""
    said: dict[str, _Said] = {}
    wanted = event.c.kind.in_([kind.value for kind in _TELLING])
    told = select(event.c.run_id, event.c.kind, event.c.actor, event.c.body).where(wanted).order_by(event.c.seq)
    for row in connection.execute(told):
        said.setdefault(row.run_id, _Said()).see(row.kind, row.actor, json.loads(row.body))
    journaled = select(event.c.run_id)
    plans = select(plan.c.run_id, plan.c.plan, plan.c.digest).where(plan.c.run_id.in_(journaled))
    planned: dict[str, Mapping[str, Any]] = {}
    for kept in connection.execute(plans):
        content = json.loads(kept.plan)
        if not kept.digest == said.get(kept.run_id, _Said()).digest == text_digest(kept.plan):
            return f"the plan of run {kept.run_id} is not the one its journal approved"
        planned[kept.run_id] = {name: content.get(name) for name in _PLANNED}
    for held in connection.execute(select(run).where(run.c.id.in_(journaled)).order_by(run.c.number)).mappings():
        mine = said.get(held["id"], _Said())
        for name, value in _differences(held, mine, planned.get(held["id"], {})):
            found = "other metrics" if name == "metrics" else f"{name} '{held[name]}'"
            return f"run {held['id']} says {found}, its journal says '{value}'"
    return ""


def _differences(held: Mapping[Any, Any], said: _Said, planned: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if held["state"] != said.state:
        yield "state", said.state
    for name, value in planned.items():
        if held[name] != value:
            yield name, value
    for name in _APPROVED:
        if name in said.approved and tidy(held[name]) != said.approved[name]:
            yield name, said.approved[name]
    if said.owners and tidy(held["operator"]) not in said.owners:
        yield "operator", " or ".join(sorted(said.owners))
    for name in KEPT:
        if name in said.row and held[name] != said.row[name]:
            yield name, said.row[name]
    metrics = json.loads(held["metrics"])
    for name, value in marks_of(metrics).items():
        if held[name] != value:
            yield name, value
    for name, value in metrics.items():
        if not said.metric(name, value):
            yield "metrics", f"nothing of {name} {value}"
    for name, value in said.row.get("metrics", {}).items():
        if metrics.get(name) != value and name not in _IMPORTING:
            yield "metrics", f"{name} {value}"
