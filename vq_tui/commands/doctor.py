"""`doctor`: what would stand in the way tonight, each with what to do about it."""

import typer

from actions.model.errors import ExitCode, VqError
from actions.model.health import Check, worst
from actions.model.words import Gate
from vq_tui.commands.console_checks import console_check
from vq_tui.commands.output import glyph, table
from vq_tui.commands.session import Json, Session, run, session
from vq_tui.commands.terminal import terminal_checks


def add_to(program: typer.Typer) -> None:
    """Name the command."""
    program.command("doctor")(doctor)


def doctor(context: typer.Context, json: Json = False) -> int:
    """Check configuration, clients, permissions, detached runs and this terminal; ends with 1 when a check fails."""
    here = session(context, json)

    async def work() -> int:
        checks = [*await _checks(here), *terminal_checks()]
        gate = worst([one.gate for one in checks])
        here.output.answer({"gate": gate, "ok": gate is Gate.PASS, "checks": checks}, _lines(checks))
        return ExitCode.FAILED if gate is Gate.FAIL else ExitCode.OK

    return run(work)


async def _checks(here: Session) -> tuple[Check, ...]:
    try:
        settings, path, _ = here.load()
    except VqError as error:
        advice = "'vq-tui config init' writes one to start from, 'vq-tui config check' reads it again"
        return (Check(id="config", title="configuration", gate=Gate.FAIL, evidence=error.message, advice=advice),)
    said = f"{path}: environments {', '.join(settings.environments)}"
    first = Check(id="config", title="configuration", gate=Gate.PASS, evidence=said)
    async with here.viewing() as viewer:
        return (first, console_check(settings), *await viewer.doctor())


def _lines(checks: list[Check]) -> list[str]:
    lines: list[str] = []
    rows = table([[f"{glyph(one.gate)} {one.title}", one.evidence] for one in checks])
    for row, one in zip(rows, checks, strict=True):
        lines.append(row)
        if one.advice and one.gate is not Gate.PASS:
            lines.append(f"    do: {one.advice}")
    return lines
