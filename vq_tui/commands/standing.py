"""What `status` and `demo --headless` say: health, the way back of every service, what runs and what changed."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from actions.model.errors import LedgerError, UnknownNameError, VqError
from actions.model.health import ServiceHealth, Snapshot
from actions.model.identity import short_id
from actions.model.plan import Readiness
from actions.model.record import ChangeNote, KeeperFacts, RunQuery
from actions.model.run import Run
from actions.model.words import HealthState, RunState
from screens.glyphs import DOWN
from screens.words import about, nowhere, told, took
from vq_tui.commands.follow import run_row
from vq_tui.commands.output import glyph, table
from vq_tui.commands.words import ago, moment

if TYPE_CHECKING:
    from actions.desk.viewer import Viewer


async def standing(viewer: "Viewer", program: str, service: str | None = None) -> tuple[dict[str, Any], list[str]]:
    """Payload and lines, of every service or of one; `program` begins the commands they name.

    Raises UnknownNameError for a service that nobody watches here.
    """
    snapshot, (ways, unread), record = await asyncio.gather(
        viewer.snapshot(), _ways(viewer, service), _recorded(viewer, program)
    )
    if service is not None:
        health_of(viewer, snapshot, service)
        only = tuple(
            one for one in snapshot.services if one.service == service or one.service.startswith(f"{service} ")
        )
        snapshot = snapshot.model_copy(update={"services": only})
    now = datetime.now(UTC)
    problems = [f"{one.service} {one.shown_state(now)}" for one in snapshot.services if _unwell(one, now)]
    problems += [f"rollback readiness of {one.service} {one.gate}" for one in ways if one.gate != "pass"]
    problems += [f"rollback readiness of {name} unknown" for name in unread]
    problems += filter(None, (record.stuck, record.problem, record.waiting))
    payload = {
        "environment": viewer.environment_name,
        "product": viewer.environment.product,
        "band": viewer.environment.band,
        "drill": viewer.environment.drill,
        "operator": viewer.operator,
        "host": viewer.host,
        "at": snapshot.at,
        "ok": not problems,
        "problems": problems,
        "services": [service_payload(one, now) for one in snapshot.services],
        "readiness": readiness_payload(ways[0]) if len(ways) == 1 and not unread else None,
        "readiness_note": _note(ways, unread),
        "ways_back": list(map(readiness_payload, ways)),
        "pins": [{"of": one.service, **pin.model_dump(mode="json")} for one in ways for pin in one.pins],
        "active": run_row(record.active) if record.active else None,
        "last": run_row(record.last) if record.last else None,
        "keeper": record.keeper,
        "changes": record.changes,
        "waiting": record.waiting,
        "ledger_note": record.problem or viewer.ledger_note,
    }
    lines = [f"{viewer.environment_name.upper()}  {viewer.environment.product}  {viewer.host}  {moment(snapshot.at)}"]
    lines += _health_lines(snapshot, now)
    lines += ["", *_way_lines(ways, unread)] if ways or unread else []
    return payload, [*lines, "", *_record_lines(record, viewer.ledger_note, now, program)]


def health_of(viewer: "Viewer", snapshot: Snapshot, name: str) -> ServiceHealth:
    """What the snapshot says of one service, configured or found beside one. Raises UnknownNameError listing them."""
    found = snapshot.service(name)
    if found is None:
        known = ", ".join(one.service for one in snapshot.services) or "none"
        raise UnknownNameError(f"no service '{name}' in '{viewer.environment_name}'; there are: {known}")
    return found


@dataclass(frozen=True)
class _Record:
    """What the ledger tells; nothing of it while it cannot be read, and then why."""

    active: Run | None = None
    stuck: str = ""
    last: Run | None = None
    keeper: KeeperFacts | None = None
    changes: tuple[ChangeNote, ...] = ()
    problem: str = ""
    waiting: str = ""


async def _recorded(viewer: "Viewer", program: str) -> _Record:
    """Health does not come from the ledger, so that it is shown also where this has a problem."""
    waiting = await viewer.waiting()
    try:
        active = await viewer.active()
        page = await viewer.runs(RunQuery(environment=viewer.environment_name, limit=2))
        last = next((one for one in page.runs if active is None or one.id != active.id), None)
        stuck = await _stuck(viewer, active, program) if active else ""
        return _Record(active, stuck, last, await viewer.keeper(), await viewer.changes(5), "", waiting)
    except LedgerError as error:
        return _Record(problem=error.message, waiting=waiting)


def _record_lines(record: _Record, note: str, now: datetime, program: str) -> list[str]:
    glass = [f"{DOWN} {record.waiting}: {program} audit import"] if record.waiting else []
    if record.keeper is None:
        return [*glass, f"? what runs, what ran and what changed is not known: {record.problem}"]
    lines = [f"RUNNING  {_run_line(record.active) if record.active else 'nothing'}"]
    lines += [f"{DOWN} {record.stuck}"] if record.stuck else []
    lines += glass
    lines.append(f"LAST     {_run_line(record.last) if record.last else note or 'nothing yet'}")
    keeper = record.keeper
    lines.append(
        f"WATCHER  {'runs, process ' + str(keeper.pid) if keeper.alive else f'not running: {program} keeper start'}"
    )
    return [*lines, *(f"CHANGED  {ago(one.at, now)}  {one.text}  {one.by}".rstrip() for one in record.changes)]


def _unwell(health: ServiceHealth, now: datetime) -> bool:
    return health.shown_state(now) is not HealthState.OK


async def _stuck(viewer: "Viewer", active: Run, program: str) -> str:
    """Why the run under way does not go on by itself; empty when it does."""
    name = short_id(active.id)
    if active.state is RunState.NEEDS_OPERATOR:
        return f"run {name} needs a person: {program} runs show {name}"
    executor = (await viewer.executor(active.id)).state
    unbegun = active.state in (RunState.PAUSED, RunState.QUEUED) and executor in ("dead", "none")
    if executor == "alive" or unbegun:
        return ""
    return f"run {name}: its executor is {'gone' if executor == 'none' else executor}: {program} runs show {name}"


async def _ways(viewer: "Viewer", service: str | None) -> tuple[list[Readiness], dict[str, str]]:
    """The way back of every service that has one, and why that of another could not be read."""
    names = [name for name in viewer.rollback_services if service in (None, name)]

    async def one(name: str) -> Readiness | VqError:
        try:
            return await viewer.readiness(name)
        except VqError as error:
            return error

    found = dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))
    ways = [way for way in found.values() if isinstance(way, Readiness)]
    return ways, {name: error.message for name, error in found.items() if isinstance(error, VqError)}


def _note(ways: list[Readiness], unread: dict[str, str]) -> str:
    """Why there is no single readiness; empty when there is one."""
    if unread:
        return "; ".join(f"{name}: {why}" for name, why in unread.items())
    if len(ways) == 1:
        return ""
    return "several services: see ways_back" if ways else "no service here has releases that are managed"


def _way_lines(ways: list[Readiness], unread: dict[str, str]) -> list[str]:
    """In full where there is one; where there are several a line each, and what to do about those not ready."""
    lost = [f"? ROLLBACK READINESS of {name}: UNKNOWN  {why}" for name, why in unread.items()]
    if len(ways) == 1:
        return [*readiness_lines(ways[0]), *lost]
    short = [line for one in ways for line in readiness_lines(one)[: 1 if one.gate == "pass" else 2]]
    pins = [f"  {one.service} is pinned to {pin.version}; lift: {pin.lift}" for one in ways for pin in one.pins]
    return [*short, *pins, *lost]


def service_payload(health: ServiceHealth, now: datetime) -> dict[str, Any]:
    """One service in JSON: what was found, and what may be shown of it now."""
    shown = health.shown_state(now)
    found = health.model_dump(mode="json", exclude={"held_state", "held_word"})
    about = {"state": shown, "word": health.shown_word, "age_seconds": health.age(now), "stale": health.stale(now)}
    return found | about


def _health_lines(snapshot: Snapshot, now: datetime) -> list[str]:
    rows = []
    for one in snapshot.services:
        shown = one.shown_state(now)
        version = [one.version] if one.version and one.version not in one.summary else []
        rows.append([f"{glyph(shown)} {one.service}", one.shown_word, "  ".join([*version, told(one)])])
    return table(rows) or ["? nothing is configured to be watched here"]


def readiness_payload(found: Readiness) -> dict[str, Any]:
    """Readiness as commands print it."""
    return found.model_dump(mode="json") | {"ready": found.gate == "pass"}


def readiness_lines(found: Readiness) -> list[str]:
    """Readiness as lines: the verdict, then each check with its evidence and advice."""
    word = {"pass": "READY", "fail": "NOT READY"}.get(found.gate, "UNVERIFIED")
    to = f"to {found.to.version}" if found.to else nowhere(found)
    takes = f" in about {about(found.expected_seconds)}" if found.to and found.expected_seconds else ""
    lines = [f"{glyph(found.gate)} ROLLBACK READINESS of {found.service}: {word} {to}{takes}"]
    if found.reason:
        lines.append(f"  {found.reason}")
    lines += table([[f"{glyph(one.gate)} {one.title}", one.evidence] for one in found.checks], indent="  ")
    lines += [f"  do: {one.advice}" for one in found.checks if one.advice and one.gate != "pass"]
    return lines


def _run_line(found: Any) -> str:
    spent = f"  {took(found.seconds)}" if found.seconds is not None else ""
    return f"{found.procedure} {short_id(found.id)}  {found.from_version} → {found.to_version}  {found.state}{spent}"
