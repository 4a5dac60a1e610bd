"""What a platform lists no more but still has: releases that the ledger knows, and the one that was asked for."""

import asyncio

from actions.model.plan import Release
from actions.model.platform import Artefact
from actions.model.way_back import RollbackFacts, SlotFacts
from actions.model.words import Verdict
from actions.platforms.access import Access
from actions.platforms.protocols import Recalls
from actions.releases.naming import called
from actions.releases.reads import Reads

MOST_RECALLED = 12
"""So many releases that a platform lists no more are asked for by reference, the last seen first."""


async def recalled(access: Access, facts: RollbackFacts, wanted: str | None, reads: Reads) -> RollbackFacts:
    """The facts with these among what is at hand."""
    slots = await asyncio.gather(*(_recall(access, facts, one, wanted, reads) for one in facts.slots))
    return facts.model_copy(update={"slots": tuple(slots)})


async def _recall(access: Access, facts: RollbackFacts, slot: SlotFacts, wanted: str | None, reads: Reads) -> SlotFacts:
    reader, workload = access.workload(facts.service, slot.slot), slot.workload
    if workload is None or not isinstance(reader, Recalls):
        return slot
    listed = {one.reference: one for one in (*workload.at_hand, *((workload.current,) if workload.current else ()))}
    rows = {one.reference: one for one in facts.releases if one.reference not in listed}
    asked = [one.reference for one in rows.values() if one.verdict is not Verdict.BAD][:MOST_RECALLED]
    if wanted and not _known(wanted, listed, rows):
        asked.append(wanted)
    if not asked:
        return slot
    found, _ = await reads.read(lambda: reader.recall(workload, tuple(asked)))
    more = tuple(_as_known(one, rows.get(one.reference)) for one in found or () if one.reference not in listed)
    update = {"at_hand": (*workload.at_hand, *more)}
    return slot.model_copy(update={"workload": workload.model_copy(update=update)}) if more else slot


def _known(wanted: str, listed: dict[str, Artefact], rows: dict[str, Release]) -> bool:
    return any(called(one, wanted) for one in listed.values()) or any(
        wanted in (one.version, one.reference, one.answered) for one in rows.values()
    )


def _as_known(artefact: Artefact, row: Release | None) -> Artefact:
    """By the name it had while it was seen: a tag that it had then may be another's now."""
    return artefact if row is None else artefact.model_copy(update={"version": row.version})
