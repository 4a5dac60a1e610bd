"""`status`, `readiness`, `releases`: what the home screen shows, once."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from actions.model.errors import ExitCode, Unreachable
from actions.model.health import worst
from actions.model.plan import Readiness, Release
from actions.model.words import Gate
from screens.words import ago
from vq_tui.commands.output import glyph, table
from vq_tui.commands.session import Json, Service, run, session
from vq_tui.commands.standing import readiness_lines, readiness_payload, standing

Check = Annotated[bool, typer.Option("--check", help="End with 1 unless all is well.")]


def add_to(program: typer.Typer) -> None:
    """Name the commands."""
    program.command("status")(status)
    program.command("readiness")(readiness)
    program.command("releases")(releases)


def status(context: typer.Context, service: Service = None, check: Check = False, json: Json = False) -> int:
    """Health of every service, readiness of the way back, what runs and what changed lately."""
    here = session(context, json)

    async def work() -> int:
        async with here.viewing() as viewer:
            payload, lines = await standing(viewer, here.output.program, service)
        here.output.answer(payload, lines)
        return ExitCode.FAILED if check and not payload["ok"] else ExitCode.OK

    return run(work)


def readiness(context: typer.Context, service: Service = None, check: Check = False, json: Json = False) -> int:
    """Whether a rollback could start now, where it would go, and how long; of every service unless one is named."""
    here = session(context, json)

    async def work() -> int:
        async with here.viewing() as viewer:
            names = (service,) if service is not None else viewer.rollback_services or (None,)
            with suppress(Unreachable):  # whatever did not come in is said to be unknown
                await viewer.snapshot()
            ways = await asyncio.gather(*(viewer.readiness(name) for name in names))
        gate = worst([Gate(one.gate) for one in ways])
        alone = readiness_payload(ways[0]) if len(ways) == 1 else {}
        payload = {"environment": viewer.environment_name, "service": None, "gate": gate, "ready": gate is Gate.PASS}
        here.output.answer(payload | alone | {"services": list(map(readiness_payload, ways))}, _ways_lines(ways))
        return ExitCode.FAILED if check and gate is not Gate.PASS else ExitCode.OK

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


def _ways_lines(ways: Sequence[Readiness]) -> list[str]:
    return [line for one in ways for line in ("", *readiness_lines(one))][1:]


def _release_lines(seen: tuple[Release, ...], found: Readiness) -> list[str]:
    rows = []
    for one in seen:
        mark = "serving" if found.current and one.reference == found.current.reference else ""
        mark = "last known good" if found.to and one.reference == found.to.reference else mark
        soaked = f"soaked {ago(one.soaked_seconds)}"
        rows.append([f"{glyph(one.verdict)} {one.version}", one.verdict, soaked, mark, one.verdict_reason])
    return table(rows) or [f"? no release of {found.service} was seen yet: a keeper or an open console observes them"]
