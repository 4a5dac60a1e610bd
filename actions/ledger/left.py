"""Which releases a rollback has left, from what stands in the journal: also where no verdict was recorded."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from actions.ledger.effects import changing_steps, standing
from actions.ledger.store import Store
from actions.ledger.stored import from_text
from actions.ledger.tables import now, parse_instant, plan, release, run
from actions.model.plan import LeftBehind, Release
from actions.model.words import RunState, Verdict

LOOKED_AT = 100
"""So many rollbacks of a service are looked at: what was left before that is long gone, or was marked."""

_NOTHING_STANDS = (RunState.QUEUED.value, RunState.UNDONE.value, RunState.ABORTED.value)
_SWITCH = "switch-traffic"


class LeftReading(Store):
    """The reading of what was left."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._ended: dict[str, str | None] = {}

    def left_behind(self, environment: str, service: str) -> dict[str, LeftBehind]:
        """By reference, the releases whose rollback took users away and was not undone, whatever became of that run.

        A release that was deployed again since and earned 'good' anew counts as left no more, nor does one that a
        person has cleared since.
        """
        found: dict[str, LeftBehind] = {}
        with self._read() as connection:
            good = _good_since(connection, environment, service)
            for row in _rollbacks(connection, environment, service):
                reference = self._left_by(connection, row)
                if reference is None or reference in found:
                    continue
                at = parse_instant(row.ended_at) or now()
                if reference not in good or good[reference] <= at:
                    found[reference] = LeftBehind(reference=reference, run_id=row.id, at=at)
        return found

    def _left_by(self, connection: Connection, row: Any) -> str | None:
        """The reference that run has left. What an ended run did is read once."""
        if row.id in self._ended:
            return self._ended[row.id]
        stored = connection.execute(select(plan.c.plan).where(plan.c.run_id == row.id)).scalar_one()
        planned = json.loads(stored)
        reference = planned["pins"].get("from")
        left = str(reference) if reference and leaving_steps(planned) & standing(connection, row.id) else None
        if row.ended_at is not None:
            self._ended[row.id] = left
        return left


def leaving_steps(planned: dict[str, Any]) -> set[int]:
    """Steps that take users away from what is left: the switch where there is one, else every change."""
    changing = changing_steps(planned)
    return {step for step, kind in changing.items() if kind == _SWITCH} or set(changing)


def _good_since(connection: Connection, environment: str, service: str) -> dict[str, datetime]:
    rows = connection.execute(
        select(release.c.body).where(release.c.environment == environment, release.c.service == service)
    ).scalars()
    known = [from_text(Release, row) for row in rows]
    since = {one.reference: (one.verdict_at if one.verdict is Verdict.GOOD else None, one.cleared_at) for one in known}
    return {reference: max(filter(None, moments)) for reference, moments in since.items() if any(moments)}


def _rollbacks(connection: Connection, environment: str, service: str) -> list[Any]:
    """Rollbacks of that service after which something may stand, newest first."""
    wanted = (
        select(run.c.id, run.c.ended_at)
        .where(
            run.c.environment == environment,
            run.c.service == service,
            run.c.procedure == "rollback",
            run.c.state.not_in(_NOTHING_STANDS),
        )
        .order_by(run.c.number.desc())
        .limit(LOOKED_AT)
    )
    return list(connection.execute(wanted))
