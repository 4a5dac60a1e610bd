"""`status`, `readiness`, `releases`: what the home screen shows, once."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actions.model.errors import ExitCode
from actions.model.health import ServiceHealth, Snapshot
from actions.model.identity import short_id
from actions.model.plan import Readiness, Release
from actions.model.record import RunQuery
from actions.model.words import HealthState
from vq_tui.commands.output import glyph, table
from vq_tui.commands.session import Json, Service, run, session
from vq_tui.commands.words import ago, moment, seconds

if TYPE_CHECKING:
    from actions.desk.viewer import Viewer

Check = Annotated[bool, typer.Option("--check", help="End with 1 unless all is well.")]


def add_to(program: typer.Typer) -> None:
    """Name the commands."""
    program.command("status")(status)
    program.command("readiness")(readiness)
    program.command("releases")(releases)


def status(context: typer.Context, check: Check = False, json: Json = False) -> int:
    """Health of every service, readiness of the way back, what runs and what changed lately."""
    here = session(context, json)

    async def work() -> int:
        async with here.viewing() as viewer:
            payload, lines = await standing(viewer)
        here.output.answer(payload, lines)
        return ExitCode.FAILED if check and not payload["ok"] else ExitCode.OK

    return run(work)


def readiness(context: typer.Context, service: Service = None, check: Check = False, json: Json = False) -> int:
    """Whether a rollback could start now, where it would go, and how long it would take."""
    here = session(context, json)

    async def work() -> int:
        async with here.viewing() as viewer:
            found = await viewer.readiness(service)
        here.output.answer(readiness_payload(found), readiness_lines(found))
        return ExitCode.FAILED if check and found.gate != "pass" else ExitCode.OK

    return run(work)


def releases(context: typer.Context, service: Service = None, json: Json = False) -> int:
    """Releases that were seen, what became of them, and which one is last known good."""
    here = session(context, json)

    async def work() -> int:
        async with here.viewing() as viewer:
            found = await viewer.readiness(service)
            seen = await viewer.releases(found.service)
        payload = {
            "environment": found.environment,
            "service": found.service,
            "current": found.current,
            "last_known_good": found.to,
            "releases": seen,
        }
        here.output.answer(payload, _release_lines(seen, found))
        return ExitCode.OK

    return run(work)


async def standing(viewer: "Viewer") -> tuple[dict[str, Any], list[str]]:
    """What `status` and `demo --headless` say: payload and lines."""
    snapshot = await viewer.snapshot()
    way_back = await viewer.readiness() if viewer.rollback_services else None
    active, keeper, changes = await viewer.active(), await viewer.keeper(), await viewer.changes(5)
    ended = await viewer.runs(RunQuery(environment=viewer.environment_name, limit=1))
    now = datetime.now(UTC)
    ok = all(one.shown_state(now) is HealthState.OK for one in snapshot.services)
    payload = {
        "environment": viewer.environment_name,
        "product": viewer.environment.product,
        "band": viewer.environment.band,
        "drill": viewer.environment.drill,
        "operator": viewer.operator,
        "host": viewer.host,
        "at": snapshot.at,
        "ok": ok,
        "services": [_service_payload(one, now) for one in snapshot.services],
        "readiness": None if way_back is None else readiness_payload(way_back),
        "active": active,
        "last": ended.runs[0] if ended.runs else None,
        "keeper": keeper,
        "changes": changes,
        "ledger_note": viewer.ledger_note,
    }
    lines = [f"{viewer.environment_name.upper()}  {viewer.environment.product}  {viewer.host}  {moment(snapshot.at)}"]
    lines += _health_lines(snapshot, now)
    if way_back is not None:
        lines += ["", *readiness_lines(way_back)]
    lines += ["", f"RUNNING  {_run_line(active) if active else 'nothing'}"]
    lines.append(f"LAST     {_run_line(ended.runs[0]) if ended.runs else viewer.ledger_note or 'nothing yet'}")
    lines.append(f"KEEPER   {'runs, process ' + str(keeper.pid) if keeper.alive else 'none: vq-tui keeper start'}")
    lines += [f"CHANGED  {ago(note.at, now)}  {note.text}  {note.by}".rstrip() for note in changes]
    return payload, lines


def _service_payload(health: ServiceHealth, now: datetime) -> dict[str, Any]:
    shown = health.shown_state(now)
    return health.model_dump(mode="json") | {"state": shown, "age_seconds": health.age(now), "stale": health.stale(now)}


def _health_lines(snapshot: Snapshot, now: datetime) -> list[str]:
    rows = []
    for one in snapshot.services:
        shown = one.shown_state(now)
        latency = "" if one.latency_ms is None else f"{one.latency_ms:.0f} ms"
        said = one.summary if not one.error else f"{one.summary}  {one.error}".strip()
        rows.append([f"{glyph(shown)} {one.service}", one.word, one.version or "", latency, said])
    return table(rows) or ["? nothing is configured to be watched here"]


def readiness_payload(found: Readiness) -> dict[str, Any]:
    """Readiness as commands print it."""
    return found.model_dump(mode="json") | {"ready": found.gate == "pass"}


def readiness_lines(found: Readiness) -> list[str]:
    """Readiness as lines: the verdict, then each check with its evidence and advice."""
    word = {"pass": "READY", "fail": "NOT READY"}.get(found.gate, "NOT SURE")
    to = f"to {found.to.version}" if found.to else "no release to go back to"
    takes = f" in about {seconds(found.expected_seconds)}" if found.to and found.expected_seconds else ""
    lines = [f"{glyph(found.gate)} WAY BACK of {found.service}: {word} {to}{takes}"]
    if found.reason:
        lines.append(f"  {found.reason}")
    lines += table([[f"{glyph(one.gate)} {one.title}", one.evidence] for one in found.checks], indent="  ")
    lines += [f"  do: {one.advice}" for one in found.checks if one.advice and one.gate != "pass"]
    return lines


def _release_lines(seen: tuple[Release, ...], found: Readiness) -> list[str]:
    rows = []
    for one in seen:
        mark = "serving" if found.current and one.reference == found.current.reference else ""
        mark = "last known good" if found.to and one.reference == found.to.reference else mark
        soaked = f"soaked {seconds(one.soaked_seconds)}"
        rows.append([f"{glyph(one.verdict)} {one.version}", one.verdict, soaked, mark, one.verdict_reason])
    return table(rows) or [f"? no release of {found.service} was seen yet: a keeper or an open console observes them"]


def _run_line(found: Any) -> str:
    took = f"  {seconds(found.seconds)}" if found.seconds is not None else ""
    return f"{found.procedure} {short_id(found.id)}  {found.from_version} → {found.to_version}  {found.state}{took}"
