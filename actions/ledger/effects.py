"""What a run may have done to the world, from its plan and its journal."""

import json
from typing import Any

from sqlalchemy import Connection, select

from actions.ledger.tables import event, plan
from actions.model.run import EventKind


def changed_anything(connection: Connection, run_id: str) -> bool:
    """Whether an effect may stand: an intent of a changing step was committed and that step is not undone."""
    stored = connection.execute(select(plan.c.plan).where(plan.c.run_id == run_id)).scalar_one()
    return bool(changing_steps(json.loads(stored)).keys() & standing(connection, run_id))


def changing_steps(planned: dict[str, Any]) -> dict[int, str]:
    """Ids of the steps that change something, with their kinds; `planned` is a stored plan."""
    steps = [step for phase in planned["phases"] for step in phase["steps"]]
    return {step["id"]: step["kind"] for step in steps if step["changes"]}


def standing(connection: Connection, run_id: str) -> set[int]:
    """Steps that were intended and are not undone."""
    kinds = (EventKind.INTENT.value, EventKind.UNDONE.value)
    rows = connection.execute(
        select(event.c.step, event.c.kind)
        .where(event.c.run_id == run_id, event.c.kind.in_(kinds))
        .order_by(event.c.seq)
    )
    last = {row.step: row.kind for row in rows}
    return {step for step, kind in last.items() if step is not None and kind == EventKind.INTENT.value}
