"""Watching releases: what serves now, how long it has been healthy, and what others changed (R9, H10).

Called by the keeper, or by an operator's desk while no keeper runs, once a tick. A read-only session never calls it.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from actions.model.environment import HttpService, PostgresService, RedisService
from actions.model.errors import VqError
from actions.model.health import Snapshot
from actions.model.plan import Release
from actions.model.platform import Artefact
from actions.model.record import ChangeNote
from actions.platforms.access import Access
from actions.releases.observe import GAP_SECONDS, observe
from actions.releases.store import ReleaseWriter

WATCH_SECONDS = 5.0


async def watch_once(
    access: Access, ledger: ReleaseWriter, snapshot: Snapshot, *, seen_by: str = "", now: datetime | None = None
) -> tuple[Release, ...]:
    """Fold one snapshot into the releases of every managed service; the rows that were written.

    A platform that does not answer within `WATCH_SECONDS` is left out this time: time that nobody saw is no soak.
    """
    moment = now or datetime.now(UTC)
    managed = [
        name
        for name, one in access.environment.services.items()
        if isinstance(one, HttpService | PostgresService | RedisService) and access.slots(name)
    ]
    written = await asyncio.gather(*(_watch(access, ledger, name, snapshot, seen_by, moment) for name in managed))
    return tuple(release for rows in written for release in rows)


async def _watch(
    access: Access, ledger: ReleaseWriter, service: str, snapshot: Snapshot, seen_by: str, now: datetime
) -> tuple[Release, ...]:
    try:
        async with asyncio.timeout(WATCH_SECONDS):
            served = await serving_artefacts(access, service)
    except (VqError, OSError, TimeoutError):
        return ()  # not seen; the gap is not counted, and health shows the source as silent
    if not served:
        return ()

    def keep() -> tuple[Release, ...]:
        before = ledger.releases(access.name, service)
        health = snapshot.service(service)
        rows = observe(access.name, service, served, health, before, access.environment.policy, now, seen_by)
        for row in rows:
            ledger.save_release(row)
        for note in changes(rows, before, now):
            ledger.note_change(note)
        return rows

    return await asyncio.to_thread(keep)


async def serving_artefacts(access: Access, service: str) -> dict[str, Artefact]:
    """What gets traffic now, by reference. Raises Unreachable when the platform does not answer."""
    traffic = access.traffic(service)
    slots = list(access.slots(service))
    if traffic is not None:
        shares = (await traffic.observe()).shares
        slots = [slot for slot in slots if shares.get(slot, 0.0) > 0]
    facts = await asyncio.gather(*(access.workload(service, slot).observe() for slot in slots))
    return {one.current.reference: one.current for one in facts if one.current is not None}


def changes(rows: tuple[Release, ...], before: tuple[Release, ...], now: datetime) -> tuple[ChangeNote, ...]:
    """Lines of "what changed lately": a release nobody had seen serving, or one that serves again. Pure.

    The very first release of a new ledger is no change, and neither is a return that a run of ours recorded itself.
    """
    known = {one.reference: one for one in before}
    latest = max(before, key=lambda one: one.last_seen, default=None)
    notes = []
    for row in rows:
        old = known.get(row.reference)
        if old is None and before:
            notes.append(_note(row, now, f"release {row.version}"))
        elif old is not None and latest is not None and latest.reference != row.reference and len(rows) == 1:
            away = now - old.last_seen
            if away > timedelta(seconds=GAP_SECONDS):
                notes.append(_note(row, now, f"release {row.version} serves again"))
    return tuple(notes)


def _note(row: Release, now: datetime, text: str) -> ChangeNote:
    return ChangeNote(
        environment=row.environment, at=now, kind="release", subject=row.service, text=text, by=row.seen_by
    )
