"""`audit`: whether the journal is as it was written, and what was journaled elsewhere while it could not be."""

import typer

from actions.model.errors import ExitCode
from actions.model.glass import ImportReport
from actions.model.identity import short_id
from screens.glyphs import DOWN, OK, UNKNOWN
from vq_tui.commands.session import Json, run, session

group = typer.Typer(help="The hash-chained journal.", rich_markup_mode=None, no_args_is_help=True)


@group.callback()
def audit() -> None:
    """The hash-chained journal."""


@group.command()
def verify(context: typer.Context, json: Json = False) -> int:
    """Walk the chain from its first event to its head; ends with 5 when it is broken."""
    here = session(context, json)

    async def work() -> int:
        async with here.viewing() as viewer:
            viewer.require_ledger()
            report = await viewer.audit()
        lines = [f"{OK} intact  {report.events} events  head {report.head}"]
        if not report.intact:
            lines = [f"{DOWN} broken  {report.events} events  first bad one: {report.first_bad}  {report.problem}"]
        here.output.answer(report.model_dump(mode="json"), lines)
        return ExitCode.OK if report.intact else ExitCode.LEDGER

    return run(work)


@group.command("import")
def import_runs(context: typer.Context, json: Json = False) -> int:
    """Bring the runs that were made under broken glass into the ledger, now that it works again."""
    here = session(context, json)

    async def work() -> int:
        async with here.operating("audit import") as operator:
            report = await operator.bring_in()
        payload = report.model_dump(mode="json")
        here.output.answer(payload, _import_lines(report, here.output.program))
        return ExitCode.OK

    return run(work)


def _import_lines(report: ImportReport, program: str) -> list[str]:
    """A line for each run that came or was left, for each conflict, and where the emergency ledger is now."""
    lines = [f"{OK} run {short_id(one)} brought in" for one in report.imported]
    lines += [
        f"{UNKNOWN} run {short_id(one)} has not ended: left; {program} runs show {short_id(one)}"
        for one in report.active
    ]
    lines += [
        f"{UNKNOWN} run {short_id(one)} is of another configuration: left; import it with that" for one in report.others
    ]
    lines += [f"{DOWN} conflict: {one}" for one in report.conflicts]
    lines += [f"  the emergency ledger is kept in {report.kept}"] if report.kept else []
    return lines or ["nothing to bring in"]
