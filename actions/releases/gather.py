"""Facts of the way back, read concurrently within a deadline; readers only."""

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from actions.health.readiness import space
from actions.model.environment import Environment
from actions.model.errors import ExitCode, UnknownNameError
from actions.model.health import Check, Snapshot
from actions.model.plan import RollbackRequest
from actions.model.platform import ANSWERED, NEVER_OBSERVED, Artefact, Change
from actions.model.services import HttpService, PostgresService, RedisService
from actions.model.way_back import Choice, RollbackFacts, SlotFacts
from actions.model.words import Gate, HealthState, RunState
from actions.platforms.access import Access
from actions.releases.choice import choose
from actions.releases.known_by import never_observed
from actions.releases.reads import REMEMBERED_SECONDS, Reads
from actions.releases.recall import recalled
from actions.releases.schema import read_schemas
from actions.releases.store import FactsReader

T = TypeVar("T")
READ_SECONDS = 5.0
"""Budget of what is kept ready in the background; all sources are read at the same time."""

PLAN_SECONDS = 15.0
"""Budget of a plan that somebody waits for: a busy host answers late, and refusing helps nobody."""
GONE = ("dead", "none")
FREE_BYTES = 50 * 1024 * 1024


def candidates(environment: Environment) -> tuple[str, ...]:
    """Services a rollback may be about without being asked for by name; a database or cache is none: it holds data."""
    return tuple(
        name
        for name, one in environment.services.items()
        if isinstance(one, HttpService) and (one.workload is not None or one.slots)
    )


def default_service(environment: Environment, name: str = "") -> str:
    """The one service that can be rolled back; never a guess. Raises UnknownNameError when a service must be named."""
    found = candidates(environment)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnknownNameError(f"no service of '{name}' has a workload to roll back; configure 'workload' or 'slots'")
    raise UnknownNameError(f"several services of '{name}' can be rolled back, name one: {', '.join(found)}")


async def gather(
    access: Access,
    ledger: FactsReader,
    service: str | None = None,
    request: RollbackRequest | None = None,
    snapshot: "Snapshot | Callable[[], Awaitable[Snapshot | None]] | None" = None,
    *,
    own_run: str | None = None,
    within: float = 0.0,
    seconds: float | None = None,
) -> RollbackFacts:
    """Everything a rollback of `service` is planned from. `own_run` is not reported as holding the environment.

    Health comes from the `snapshot`; one that is still to come is waited for while the platforms are read.
    What health observed of the platforms at most `within` seconds ago is not asked for again. All is read within
    `seconds`, with as many tries as fit. For a run nothing older stands in for a source that is slow.

    A platform that does not answer is a fact, not an error. Raises UnknownNameError for a service that is not
    configured, LedgerError when the ledger cannot be read.
    """
    name = service or (request.service if request else None)
    if name is None:
        name = default_service(access.environment, access.name)
    reads = Reads(READ_SECONDS if seconds is None else seconds, remembering=own_run is None)
    wanted = request.to if request else None
    seen = await _observe(access, ledger, name, snapshot, own_run, within, reads)
    seen = await recalled(access, seen, wanted, reads)
    choice = choose(seen, wanted)
    return await _ask_drivers(access, seen.model_copy(update={"choice": choice}), reads)


async def _observe(
    access: Access,
    ledger: FactsReader,
    name: str,
    health: "Snapshot | Callable[[], Awaitable[Snapshot | None]] | None",
    own_run: str | None,
    within: float,
    reads: Reads,
) -> RollbackFacts:
    settings = access.environment.services.get(name)
    if not isinstance(settings, HttpService | PostgresService | RedisService):
        known = ", ".join(access.environment.services) or "none"
        raise UnknownNameError(f"no service '{name}' in '{access.name}'; configured: {known}")
    if name not in access.loaded:
        await asyncio.to_thread(access.load, name)
    places = access.slots(name)
    snapshot, slots, traffic, past, schemas = await asyncio.gather(
        _arrived(health),
        asyncio.gather(*(_slot(access, name, slot, place.url, within, reads) for slot, place in places.items())),
        _traffic(access, name, within, reads),
        asyncio.to_thread(_ledger_facts, ledger, access.name, name, own_run),
        read_schemas(access.environment),
    )
    return RollbackFacts(
        environment=access.name,
        service=name,
        at=datetime.now(UTC),
        settings=settings,
        policy=access.environment.policy,
        budgets=access.environment.budgets,
        slots=tuple(slots),
        has_traffic=isinstance(settings, HttpService) and settings.traffic is not None,
        schemas=schemas[0],
        schema_note=schemas[1],
        data_services=_data_services(access.environment, name),
        health=snapshot.service(name) if snapshot else None,
        others_down=_others_down(snapshot, name),
        others_unknown=_others_unknown(snapshot, access.environment, name),
        **traffic,
        **past,
    )


async def _arrived(health: "Snapshot | Callable[[], Awaitable[Snapshot | None]] | None") -> Snapshot | None:
    return health if health is None or isinstance(health, Snapshot) else await health()


def _data_services(environment: Environment, but: str) -> dict[str, str]:
    return {
        name: one.kind
        for name, one in environment.services.items()
        if one.kind in ("postgres", "redis") and name != but
    }


def _others_down(snapshot: Snapshot | None, but: str) -> tuple[str, ...]:
    services = snapshot.services if snapshot else ()
    return tuple(one.service for one in services if one.service != but and one.state is HealthState.DOWN)


def _others_unknown(snapshot: Snapshot | None, environment: Environment, but: str) -> tuple[str, ...]:
    """Other services of which nothing is known now: nobody looked, no data came, or what came is too old."""
    others, now = [name for name in environment.services if name != but], datetime.now(UTC)
    if snapshot is None:
        return tuple(others)
    seen = [one for name in others if (one := snapshot.service(name)) is not None]
    return tuple(one.service for one in seen if one.shown_state(now) is HealthState.UNKNOWN)


def _ledger_facts(ledger: FactsReader, environment: str, service: str, own_run: str | None) -> dict[str, object]:
    active = ledger.active(environment)
    lost = active is not None and active.state is not RunState.QUEUED and ledger.executor(active.id).state in GONE
    return {
        "releases": ledger.releases(environment, service),
        "left_behind": ledger.left_behind(environment, service),
        "past_seconds": ledger.past_seconds(environment, service),
        "active": active.id if active is not None and active.id != own_run else None,
        "orphan": active.id if active is not None and active.id != own_run and lost else None,
        "drills": ledger.drills(environment, 20),
        "journal": _journal(ledger),
    }


def _journal(ledger: FactsReader) -> Check:
    """Whether an executor could write its journal: rights and space of the state directory."""
    directory, title = ledger.directory, "journal writable"
    try:
        free = shutil.disk_usage(directory).free
    except OSError as error:
        return Check(id="journal", title=title, gate=Gate.FAIL, evidence=str(error), advice="bring the directory back")
    if not os.access(directory, os.W_OK | os.X_OK):
        advice = "run as the user who owns it, or give this user the right to write"
        return Check(
            id="journal", title=title, gate=Gate.FAIL, evidence=f"no right to write {directory}", advice=advice
        )
    if free < FREE_BYTES:
        evidence = f"{space(free)} free in {directory}"
        return Check(id="journal", title=title, gate=Gate.FAIL, evidence=evidence, advice="free at least 50 MiB")
    return Check(id="journal", title=title, gate=Gate.PASS, evidence=f"{space(free)} free")


async def _slot(access: Access, service: str, slot: str, url: str | None, within: float, reads: Reads) -> SlotFacts:
    remembered, since = access.remembered(service, slot, REMEMBERED_SECONDS), _since(within)
    facts, error = await reads.observe(lambda: access.observe(service, slot, since()), remembered, slot)
    if error is not None:
        return SlotFacts(slot=slot, url=url, error=error.message, error_code=error.code)
    return SlotFacts(slot=slot, url=url, workload=facts)


async def _traffic(access: Access, service: str, within: float, reads: Reads) -> dict[str, object]:
    reader = access.traffic(service)
    if reader is None:
        return {}
    remembered, since = access.remembered_traffic(service, REMEMBERED_SECONDS), _since(within)
    (facts, error), (permissions, denied) = await asyncio.gather(
        reads.observe(lambda: access.observe_traffic(service, since()), remembered, "traffic"),
        _within(reads, reader.permissions),
    )
    return {
        "traffic": facts,
        "traffic_error": error.message if error else "",
        "traffic_code": error.code if error else ExitCode.REFUSED,
        "traffic_permissions": permissions if permissions is not None else (_unknown_rights("traffic", denied),),
    }


def _since(within: float) -> Callable[[], float]:
    """How old an observation may be: `within` now, and later also whatever was asked since; a slow answer counts."""
    began = time.monotonic()
    return lambda: within + time.monotonic() - began


async def _ask_drivers(access: Access, facts: RollbackFacts, reads: Reads) -> RollbackFacts:
    """What the drivers say about the chosen release: at hand, rights, and the changes it would take."""
    choice = facts.choice
    slots, switch = await asyncio.gather(
        asyncio.gather(*(_about_target(access, facts, one, reads) for one in facts.slots)),
        _switch(access, facts, choice, reads),
    )
    return facts.model_copy(update={"slots": tuple(slots), "switch": switch[0], "switch_refusal": switch[1]})


async def _about_target(access: Access, facts: RollbackFacts, slot: SlotFacts, reads: Reads) -> SlotFacts:
    choice, reader = facts.choice, access.workload(facts.service, slot.slot)
    if slot.workload is None or (choice.slot is not None and slot.slot != choice.slot):
        return slot
    permissions, denied = await _within(reads, reader.permissions)
    update: dict[str, object] = {
        "permissions": permissions if permissions is not None else (_unknown_rights(slot.slot, denied),)
    }
    if (artefact := choice.artefact) is not None:
        at_hand, error = await _within(reads, lambda: reader.at_hand(artefact))
        title = "image present"
        update["at_hand"] = at_hand or Check(id="artefact", title=title, gate=Gate.INCONCLUSIVE, evidence=error)
        if choice.warm:
            update["changes"] = ()
        else:
            workload, wanted = slot.workload, _wanted(artefact, choice)
            changes, refusal = await _within(reads, lambda: reader.plan_change(workload, wanted))
            update |= {"changes": changes, "refusal": refusal}
    return slot.model_copy(update=update)


def _wanted(artefact: Artefact, choice: Choice) -> Artefact:
    """The chosen artefact, for a driver that demands of what it starts that it names itself right."""
    if choice.to is None:
        return artefact
    if never_observed(choice.to):
        return artefact.model_copy(update={"detail": artefact.detail | {NEVER_OBSERVED: True}})
    word = choice.to.answered
    return artefact.model_copy(update={"detail": artefact.detail | {ANSWERED: word}}) if word else artefact


async def _switch(access: Access, facts: RollbackFacts, choice: Choice, reads: Reads) -> tuple[Change | None, str]:
    reader = access.traffic(facts.service)
    traffic = facts.traffic
    if reader is None or traffic is None or choice.slot is None:
        return None, ""
    if traffic.shares.get(choice.slot, 0.0) >= 1.0:
        return None, ""
    shares = {slot.slot: 1.0 if slot.slot == choice.slot else 0.0 for slot in facts.slots}
    return await _within(reads, lambda: reader.plan_switch(traffic, shares))


def _unknown_rights(where: str, error: str) -> Check:
    return Check(id="permissions", title=f"permissions on {where}", gate=Gate.INCONCLUSIVE, evidence=error)


async def _within(reads: Reads, ask: Callable[[], Awaitable[T]]) -> tuple[T | None, str]:
    """The answer, or None and why there is none."""
    found, error = await reads.read(ask)
    return found, error.message if error else ""
