"""What would stand in the way tonight: ledger, sources, rights, detached runs, keeper. Changes nothing to find out."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from actions.config import secret_problems
from actions.desk.look import managed
from actions.desk.waiting import waiting
from actions.model.errors import LedgerError, VqError
from actions.model.health import UNCLEAR, Check, Snapshot
from actions.model.plan import RollbackRequest
from actions.model.way_back import RollbackFacts
from actions.model.words import Gate, HealthState
from actions.releases.known_by import differs
from actions.runner.logout import survives_logout

if TYPE_CHECKING:
    from actions.desk.viewer import Viewer


async def checks(desk: "Viewer") -> tuple[Check, ...]:
    """All checks, in the order in which they matter."""
    found = [*_secrets(desk), await _ledger(desk), *await _waiting(desk), *await _sources(desk)]
    for service in managed(desk.access):
        found += await _rights(desk, service)
    found += [await asyncio.to_thread(survives_logout), await _keeper(desk)]
    return tuple(found)


def _secrets(desk: "Viewer") -> Iterator[Check]:
    problems = [f"{'.'.join(map(str, place))}: {what}" for place, what in secret_problems(desk.environment)]
    if problems:
        yield from (_check("secrets", "secrets", Gate.FAIL, one, "mend the file or the variable") for one in problems)
    else:
        yield _check("secrets", "secrets", Gate.PASS, "all can be read, none by others")


async def _ledger(desk: "Viewer") -> Check:
    where = desk.ledger.directory
    if await desk.ledger.open():
        return _check("ledger", "ledger", Gate.PASS, str(where))
    if not where.exists():
        advice = "the first run, or 'vq-tui keeper start', makes it"
        return _check("ledger", "ledger", Gate.INCONCLUSIVE, f"none yet in {where}", advice)
    return _check(
        "ledger", "ledger", Gate.FAIL, desk.ledger.note, "'vq-tui audit verify' says more; no run starts on it"
    )


async def _waiting(desk: "Viewer") -> list[Check]:
    """Runs that the history does not know yet."""
    words = await asyncio.to_thread(waiting, desk.emergency, desk.ledger.directory)
    advice = "'vq-tui audit import' brings them into the ledger, once it works"
    return [_check("break-glass", "broken glass", Gate.INCONCLUSIVE, words, advice)] if words else []


async def _sources(desk: "Viewer") -> list[Check]:
    try:
        snapshot: Snapshot = await desk.watching.first_snapshot(complete=True)
    except VqError as error:
        return [_check("sources", "sources", Gate.FAIL, error.message, "look whether this host reaches them")]
    found = []
    for one in snapshot.services:
        title = f"source {one.service}"
        if one.observed_at is None or one.error:
            advice = "check the address, the network from this host and the credentials"
            found.append(_check(f"source-{one.service}", title, Gate.FAIL, one.error or "no data", advice))
        elif one.word == UNCLEAR:
            advice = 'look at what its health path answers; health_body = "status-only" lets the status of HTTP decide'
            found.append(_check(f"source-{one.service}", title, Gate.INCONCLUSIVE, one.summary, advice))
        else:
            said = f"{one.word}{'' if one.state is HealthState.OK else ': answers, and is not well'}"
            found.append(_check(f"source-{one.service}", title, Gate.PASS, said))
    return found


async def _rights(desk: "Viewer", service: str) -> list[Check]:
    request = RollbackRequest(environment=desk.environment_name, service=service)
    try:
        facts: RollbackFacts = await desk.watching.way_back.facts(request)
    except VqError as error:
        return [_check(f"platform-{service}", f"platform of {service}", Gate.FAIL, error.message)]
    found = []
    for slot in facts.slots:
        title = f"{service} {slot.slot}"
        if slot.workload is None:
            found.append(
                _check(f"platform-{service}-{slot.slot}", title, Gate.FAIL, slot.error, "look at its platform")
            )
            continue
        asked = slot.permissions or await desk.access.workload(service, slot.slot).permissions()
        found += [
            _check(f"{one.id}-{service}-{slot.slot}", f"{title}: {one.title}", one.gate, one.evidence, one.advice)
            for one in asked
        ]
    if facts.traffic_error:
        found.append(_check(f"traffic-{service}", f"traffic of {service}", Gate.FAIL, facts.traffic_error))
    return found + names(facts) + list(facts.traffic_permissions)


def names(facts: RollbackFacts) -> list[Check]:
    """Said where a service does not name its release as its platform does: how releases are then told apart."""
    word, current = differs(facts), facts.choice.current
    if not word or current is None:
        return []
    said = (
        f"answers as {word}, its platform says {current.version}: releases are known by their own word, or by reference"
    )
    return [_check(f"names-{facts.service}", f"names of {facts.service}", Gate.PASS, said)]


async def _keeper(desk: "Viewer") -> Check:
    try:
        facts = await desk.ledger.read(lambda ledger: ledger.keeper(), None)
    except LedgerError:  # told by a check of its own
        return _check("keeper", "keeper", Gate.INCONCLUSIVE, "not known: the ledger cannot be read")
    if facts is not None and facts.alive:
        return _check("keeper", "keeper", Gate.PASS, f"process {facts.pid}")
    advice = "'vq-tui keeper start': without one, releases soak only while a console is open"
    return _check("keeper", "keeper", Gate.INCONCLUSIVE, "none runs", advice)


def _check(identifier: str, title: str, gate: Gate, evidence: str, advice: str = "") -> Check:
    return Check(id=identifier, title=title, gate=gate, evidence=evidence, advice=advice)
