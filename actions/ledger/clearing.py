"""Taking back a wrong verdict: a person knows better than the run that marked a release, and says why."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from actions.ledger.chain import append_event
from actions.ledger.left import LeftReading
from actions.ledger.store import WritingStore
from actions.ledger.stored import from_text, to_text
from actions.ledger.tables import change_note, instant, now, release
from actions.model.errors import Refused, UnknownNameError, UsageError
from actions.model.identity import canonical_json, short_id
from actions.model.plan import Release
from actions.model.record import ChangeNote
from actions.model.run import EventKind
from actions.model.text import clean
from actions.model.words import Verdict


class Clearing(LeftReading, WritingStore):
    """The writing of what overrules a verdict."""

    def clear_release(self, environment: str, service: str, name: str, *, by: str, reason: str) -> Release:
        """Make the release of that version or reference a candidate again, which has to earn 'good' anew.

        The journal of the run that marked it says who did so and why, and so does what changed lately. Raises
        UsageError without a reason, UnknownNameError, Refused when nothing is held against it, or of several of a name.
        """
        by, reason = clean(by), clean(reason).strip()
        if not reason:
            raise UsageError("clearing a release needs a reason: how it is known that nothing is wrong with it")
        left = self.left_behind(environment, service)
        at = now()
        with self._write() as connection:
            found = _found(connection, environment, service, name)
            held = [one for one in found if one.verdict is Verdict.BAD or one.reference in left]
            if len(held) != 1:
                several = f"several releases are called '{clean(name, limit=60)}': give the reference of one"
                raise Refused(several if held else f"nothing is held against {found[0].version} ({found[0].verdict})")
            cleared = _cleared(held[0], f"cleared by {by}: {reason}", at)
            text = f"the verdict '{held[0].verdict_reason or 'left by a rollback'}' on {cleared.version} was taken back"
            run = held[0].verdict_run or (left[cleared.reference].run_id if cleared.reference in left else None)
            _put(connection, cleared)
            if run is not None:
                body = {"text": f"{text} by {by}: {reason}"}
                append_event(connection, run, EventKind.NOTE, actor=by, body=body)
                text += f" (rollback {short_id(run)})"
            note = ChangeNote(
                environment=environment, at=at, kind="cleared", subject=service, text=f"{text}: {reason}", by=by
            )
            written = canonical_json(note.model_dump(mode="json"))
            connection.execute(insert(change_note).values(environment=environment, body=written))
        return cleared


def _found(connection: Connection, environment: str, service: str, name: str) -> list[Release]:
    mine = release.c.environment == environment, release.c.service == service
    rows = [from_text(Release, one) for one in connection.execute(select(release.c.body).where(*mine)).scalars()]
    found = [one for one in rows if name in (one.version, one.reference)]
    if not found:
        known = ", ".join(one.version for one in rows) or "none"
        raise UnknownNameError(f"no release '{clean(name, limit=60)}' of '{clean(service)}' was seen; known: {known}")
    return found


def _cleared(kept: Release, reason: str, at: datetime) -> Release:
    fresh: dict[str, Any] = {"verdict": Verdict.CANDIDATE, "verdict_reason": reason, "soaked_seconds": 0.0}
    return kept.model_copy(update=fresh | {"samples": 0, "verdict_at": None, "verdict_run": None, "cleared_at": at})


def _put(connection: Connection, row: Release) -> None:
    same = [getattr(release.c, key) == getattr(row, key) for key in ("environment", "service", "reference")]
    before = connection.execute(select(release.c.body).where(*same)).scalar_one_or_none()
    body = to_text(row, before)
    connection.execute(update(release).where(*same).values(body=body, last_seen=instant(row.last_seen)))
