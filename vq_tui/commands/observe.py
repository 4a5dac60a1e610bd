"""`status`, `readiness`: what the home screen shows, once."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from actions.model.errors import ExitCode, Unreachable
from actions.model.health import worst
from actions.model.plan import Readiness
from actions.model.words import Gate
from vq_tui.commands.session import Json, Service, run, session
from vq_tui.commands.standing import readiness_lines, readiness_payload, standing

Check = Annotated[bool, typer.Option("--check", help="End with 1 unless all is well.")]


def add_to(program: typer.Typer) -> None:
    """Name the commands."""
    program.command("status")(status)
    program.command("readiness")(readiness)


def status(context: typer.Context, service: Service = None, check: Check = False, json: Json = False) -> int:
    """Health of every service, readiness of the way back, what runs and what changed lately."""
    here = session(context, json)

    async def work() -> int:
        async with here.viewing(polling=True) as viewer:
            payload, lines = await standing(viewer, here.output.program, service)
        here.output.answer(payload, lines)
        return ExitCode.FAILED if check and not payload["ok"] else ExitCode.OK

    return run(work)


def readiness(context: typer.Context, service: Service = None, check: Check = False, json: Json = False) -> int:
    """Whether a rollback could start now, where it would go, and how long; of every service unless one is named."""
    here = session(context, json)

    async def work() -> int:
        async with here.viewing(polling=True) as viewer:
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


def _ways_lines(ways: Sequence[Readiness]) -> list[str]:
    return [line for one in ways for line in ("", *readiness_lines(one))][1:]
