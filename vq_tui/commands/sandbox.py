"""`sandbox`: a real small platform on this machine, to try things on and to break."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actions.model.errors import ExitCode
from screens.glyphs import DOWN, OK
from screens.words import took
from vq_tui.commands.output import glyph, table
from vq_tui.commands.session import Json, session

if TYPE_CHECKING:
    from actions.sandbox.facts import SandboxStatus

group = typer.Typer(
    help="The embedded stack: up, down, status, break, mend.", rich_markup_mode=None, no_args_is_help=True
)

Directory = Annotated[Path | None, typer.Option("--dir", metavar="DIR", help="Its state directory.")]


@group.callback()
def sandbox() -> None:
    """The embedded stack: up, down, status, break, mend."""


def place(directory: Path | None) -> Path:
    """The state directory that was named, or the usual one."""
    from actions.sandbox.stack import default_directory

    return (directory or default_directory()).absolute()


@group.command()
def up(
    context: typer.Context,
    directory: Directory = None,
    version: Annotated[str, typer.Option("--version", help="The release that serves.")] = "2.4.1",
    standby: Annotated[str, typer.Option("--standby", help="The release that stands by.")] = "2.4.0",
    traffic: Annotated[bool, typer.Option("--traffic/--no-traffic", help="Steady traffic of users.")] = True,
    json: Json = False,
) -> int:
    """Bring the stack up, or repair it; its configuration is written for you."""
    here = session(context, json)
    here.may_not_be_read_only("sandbox up")
    from actions.sandbox import stack

    facts = stack.up(place(directory), version=version, standby=standby, traffic=traffic)
    lines = [
        f"{OK} up in {took(facts.seconds)}: {facts.version} is live at {facts.url}, {facts.standby_version} stands by",
        f"  vq-tui --config {facts.config}",
        f"  vq-tui sandbox break bad-release --dir {facts.directory}",
    ]
    here.output.answer(facts.model_dump(mode="json"), lines)
    return ExitCode.OK


@group.command()
def down(
    context: typer.Context,
    directory: Directory = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the directory for the next 'up'.")] = False,
    json: Json = False,
) -> int:
    """Stop every process and remove the directory."""
    here = session(context, json)
    here.may_not_be_read_only("sandbox down")
    from actions.sandbox import stack

    where = place(directory)
    take_down(where, keep=keep)
    here.output.answer(
        {"directory": str(where), "state": str(stack.status(where).state)}, [f"{glyph('skipped')} down: {where}"]
    )
    return ExitCode.OK


def take_down(directory: Path, *, keep: bool = False) -> None:
    """End the keeper and the executor that work on the stack's own ledger, then the stack."""
    from actions.keeper.ending import end_processes
    from actions.sandbox import stack

    end_processes(directory / "ledger")
    stack.down(directory, keep=keep)


@group.command()
def status(context: typer.Context, directory: Directory = None, json: Json = False) -> int:
    """How the stack stands; ends with 1 unless it is up."""
    here = session(context, json)
    from actions.sandbox import stack

    found = stack.status(place(directory))
    here.output.answer(found.model_dump(mode="json"), _lines(found))
    return ExitCode.OK if found.state == "up" else ExitCode.FAILED


@group.command("break")
def break_(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What to break: an unknown word lists the kinds.")],
    directory: Directory = None,
    json: Json = False,
) -> int:
    """Inject a fault and wait until it shows."""
    here = session(context, json)
    here.may_not_be_read_only("sandbox break")
    from actions.sandbox import stack

    fault = stack.break_(place(directory), kind)
    here.output.answer(fault.model_dump(mode="json"), [f"{DOWN} {fault.kind}: {fault.observed}"])
    return ExitCode.OK


@group.command()
def mend(context: typer.Context, directory: Directory = None, json: Json = False) -> int:
    """Undo every fault."""
    here = session(context, json)
    here.may_not_be_read_only("sandbox mend")
    from actions.sandbox import stack

    mended = stack.mend(place(directory))
    here.output.answer({"mended": list(mended)}, [f"{OK} mended: {', '.join(mended) or 'nothing was broken'}"])
    return ExitCode.OK


@group.command()
def deploy(
    context: typer.Context,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The release to bring in.")],
    directory: Directory = None,
    json: Json = False,
) -> int:
    """Release a version the careful way: standby, ready, switched."""
    here = session(context, json)
    here.may_not_be_read_only("sandbox deploy")
    from actions.sandbox import stack

    colour = stack.deploy(place(directory), version)
    here.output.answer({"version": version, "colour": colour}, [f"{OK} {version} is live on {colour}"])
    return ExitCode.OK


def _lines(found: "SandboxStatus") -> list[str]:
    word = {"up": "ok", "partly": "degraded"}.get(found.state, "skipped")
    serves = f"  {found.version} is live on {found.serving}" if found.serving else ""
    rows = [
        [f"{glyph('ok' if one.pid else 'down')} {one.name}", one.state, one.release, one.reason]
        for one in found.processes
    ]
    faults = [f"{DOWN} {one.kind}: {one.observed}" for one in found.faults]
    return [f"{glyph(word)} {found.state}  {found.directory}{serves}", *table(rows, indent="  "), *faults]
