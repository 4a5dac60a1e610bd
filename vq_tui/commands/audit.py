"""`audit`: whether the journal is as it was written."""

import typer

from actions.model.errors import ExitCode
from screens.glyphs import DOWN, OK
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
