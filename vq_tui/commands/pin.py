"""`pin show`, `pin lift`: what keeps the next deploy on the release that a rollback brought."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actions.model.errors import ExitCode, Refused, UsageError
from actions.model.identity import short_id
from actions.model.platform import StandingPin
from actions.model.words import Gate
from vq_tui.commands.output import glyph
from vq_tui.commands.session import Json, Service, run, session

if TYPE_CHECKING:
    from actions.desk.viewer import Viewer

group = typer.Typer(help="Pins that keep a deploy from rolling forward again.", rich_markup_mode=None)

Plan = Annotated[bool, typer.Option("--plan", help="Show what would be done and end.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@group.command()
def show(context: typer.Context, service: Service = None, json: Json = False) -> int:
    """Every pin that stands, which deploy it keeps back, and the command that lifts it."""
    here = session(context, json)

    async def work() -> int:
        async with here.viewing() as viewer:
            found = await _pins(viewer, service)
        payload = {"environment": viewer.environment_name, "pins": [_payload(*one) for one in found]}
        lines = [line for name, pin in found for line in pin_lines(name, pin)]
        here.output.answer(payload, lines or ["no pin stands: the next deploy brings what the project's files name"])
        return ExitCode.OK

    return run(work)


@group.command()
def lift(
    context: typer.Context, service: Service = None, plan: Plan = False, yes: Yes = False, json: Json = False
) -> int:
    """Take a pin away. Nothing that runs is touched; the next deploy brings what the project's files name."""
    here = session(context, json)
    if plan:
        return run(lambda: _plan(here, service))
    here.may_write("pin lift")
    if not yes and (here.output.json or not sys.stdin.isatty() or not sys.stderr.isatty()):
        raise UsageError("nobody can be asked here: add --yes to lift without a question, or --plan to look first")

    async def work() -> int:
        async with here.operating("pin lift") as operator:
            found = await _of_one(operator, service)
            if not yes:
                for line in (line for pin in found for line in _plan_lines(pin)):
                    here.output.line(line)
                if not typer.confirm("lift it?", err=True):
                    here.output.aside("left; nothing was touched")
                    return ExitCode.REFUSED
            lifted = await operator.lift_pin(service)
        payload = {"environment": operator.environment_name, "lifted": lifted}
        here.output.answer(payload, [f"{glyph(Gate.PASS)} {one.pin.service}: {one.done}" for one in lifted])
        return ExitCode.OK

    return run(work)


async def _plan(here: Any, service: str | None) -> int:
    async with here.viewing() as viewer:
        found = await _of_one(viewer, service)
    payload = {"environment": viewer.environment_name, "plan": found}
    here.output.answer(payload, [line for pin in found for line in _plan_lines(pin)])
    return ExitCode.OK


async def _pins(viewer: "Viewer", service: str | None) -> list[tuple[str, StandingPin]]:
    names = (service,) if service is not None else viewer.rollback_services
    ways = await asyncio.gather(*(viewer.readiness(name) for name in names))
    return [(one.service, pin) for one in ways for pin in one.pins]


async def _of_one(viewer: "Viewer", service: str | None) -> list[StandingPin]:
    """The pins of the one service that is meant. Raises UnknownNameError where several could be, Refused for none."""
    way = await viewer.readiness(service)
    if not way.pins:
        raise Refused(f"nothing pins {way.service}: the next deploy brings what its own files name")
    return list(way.pins)


def pin_lines(service: str, pin: StandingPin) -> list[str]:
    """A standing pin for people."""
    by = f" by run {short_id(pin.run)}" if pin.run else ""
    mark = glyph(Gate.INCONCLUSIVE if pin.blocks or not pin.read else Gate.PASS)
    lines = [f"{mark} {service} is pinned to {pin.version}{by}"]
    lines += [f"  image     {pin.image}", f"  file      {pin.file}"]
    lines += [f"  instead   {pin.instead}"] if pin.instead else []
    lines += [f"  blocks    {pin.blocks}"] if pin.blocks else []
    lines += [f"  deploy by {pin.deploy}"] if not pin.read else []
    return [*lines, f"  lift      {pin.lift}"]


def _plan_lines(pin: StandingPin) -> list[str]:
    brings = f": {pin.instead}, unless they were changed" if pin.instead else ""
    return [
        f"lift the pin of {pin.service} to {pin.version}",
        f"  changes   {pin.file}",
        "  running   nothing is touched now",
        f"  then      the next deploy brings what the project's files name{brings}",
    ]


def _payload(service: str, pin: StandingPin) -> dict[str, Any]:
    return {"service": service, **pin.model_dump(mode="json", exclude={"service"}), "compose_service": pin.service}
