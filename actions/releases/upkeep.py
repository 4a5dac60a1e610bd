"""What is done outside of runs: the images of good releases stay, what rollbacks left goes when its time is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from actions.model.errors import VqError
from actions.model.platform import Artefact, Holding
from actions.model.record import ChangeNote
from actions.model.words import Verdict
from actions.releases.store import ReleaseWriter

if TYPE_CHECKING:
    from actions.model.plan import Release
    from actions.model.run import Run
    from actions.platforms.access import WriteAccess

FIRST_SECONDS, EVERY_SECONDS = 60.0, 600.0
"""When a watch does it for the first time, and how often then."""
MOST_NOTED = 5

log = logging.getLogger(__name__)


class UpkeepLedger(ReleaseWriter, Protocol):
    """What upkeep asks of the ledger, and writes into it. Blocking."""

    def active(self, environment: str) -> Run | None:
        """The run that holds the environment."""
        ...


async def keep_up(access: WriteAccess, ledger: UpkeepLedger, by: str, now: datetime | None = None) -> tuple[str, ...]:
    """Tidy every managed service of the environment while no run is under way; what was done, also into the ledger.

    A platform that does not answer keeps no other service from being tidied. Raises LedgerError.
    """
    done: list[str] = []
    for service, slot in _places(access):
        if await asyncio.to_thread(ledger.active, access.name) is not None:
            break
        try:
            lines = await _tidy(access, ledger, service, slot, now or datetime.now(UTC))
        except VqError as error:
            log.warning("%s is not tidied: %s", service, error.message)
            continue
        if lines:
            await asyncio.to_thread(ledger.note_change, _note(access.name, service, lines, by))
        done += lines
    return tuple(done)


def _places(access: WriteAccess) -> list[tuple[str, str]]:
    services = (name for name, one in access.environment.services.items() if hasattr(one, "workload"))
    return [(service, slot) for service in services for slot in access.slots(service)]


async def _tidy(access: WriteAccess, ledger: UpkeepLedger, service: str, slot: str, now: datetime) -> tuple[str, ...]:
    upkeep = await asyncio.to_thread(access.upkeep, service, slot)
    if upkeep is None:
        return ()
    try:
        rows = await asyncio.to_thread(ledger.releases, access.name, service)
        return await upkeep.tidy(held(rows, access.environment.policy.keep_releases), now)
    finally:
        await upkeep.close()


def held(rows: Sequence[Release], wanted: int) -> Holding:
    """The good releases to keep, one more than `wanted` as one of them serves; the other good ones are let go.

    A release that is bad is not let go: whoever takes that verdict back wants its image.
    """
    good = sorted((one for one in rows if one.verdict is Verdict.GOOD), key=lambda one: one.last_seen, reverse=True)
    kept = good[: wanted + 1]
    return Holding(
        keep=tuple(Artefact.model_validate(one.artefact) for one in kept if one.artefact),
        let_go=frozenset(one.reference for one in good[wanted + 1 :]),
        known=frozenset(one.reference for one in rows),
    )


def _note(environment: str, service: str, lines: Sequence[str], by: str) -> ChangeNote:
    more = f" and {len(lines) - MOST_NOTED} more" if len(lines) > MOST_NOTED else ""
    text = f"{service}: {'; '.join(lines[:MOST_NOTED])}{more}"
    return ChangeNote(environment=environment, at=datetime.now(UTC), kind="upkeep", subject=service, text=text, by=by)
