"""`keeper`: the process that observes while no console is open."""

from pathlib import Path

import typer

from actions.model.errors import ExitCode
from actions.model.record import KeeperFacts
from screens.glyphs import OK, UNKNOWN
from vq_tui.commands.session import Json, Session, run, session
from vq_tui.commands.words import moment

group = typer.Typer(
    help="The process that observes while no console is open.", rich_markup_mode=None, no_args_is_help=True
)


@group.callback()
def keeper() -> None:
    """The process that observes while no console is open."""


def _ledger(here: Session) -> tuple[Path, Path]:
    from actions.keeper.launch import ledger_directory

    settings, path = here.file()
    return ledger_directory(settings), path


@group.command("run")
def run_here(context: typer.Context, json: Json = False) -> int:
    """Be the keeper, in the foreground, until SIGTERM or Ctrl-C."""
    here = session(context, json)
    here.may_not_be_read_only("keeper run")
    from actions.keeper.main import keep

    ledger, path = _ledger(here)
    here.output.aside(f"keeping {path}; Ctrl-C ends it")
    code = keep(ledger, path)
    here.output.answer({"ended": True, "ledger": str(ledger)}, ["the keeper has ended"])
    return code


@group.command()
def start(context: typer.Context, json: Json = False) -> int:
    """Start one in the background; says so when one runs already."""
    here = session(context, json)
    here.may_not_be_read_only("keeper start")
    from actions.keeper.launch import start_keeper

    ledger, path = _ledger(here)

    async def work() -> int:
        _answer(here, await start_keeper(ledger, path))
        return ExitCode.OK

    return run(work)


@group.command()
def stop(context: typer.Context, json: Json = False) -> int:
    """End the one that runs, and wait until it has gone."""
    here = session(context, json)
    here.may_not_be_read_only("keeper stop")
    from actions.keeper.launch import keeper_facts, stop_keeper

    ledger, _ = _ledger(here)

    async def work() -> int:
        before = keeper_facts(ledger)
        after = await stop_keeper(ledger)
        said = f"{OK} stopped process {before.pid}" if before.alive else f"{UNKNOWN} the watcher was not running"
        stopped = before.pid if before.alive else None
        here.output.answer(after.model_dump(mode="json") | {"stopped": stopped}, [said])
        return ExitCode.OK

    return run(work)


@group.command()
def status(context: typer.Context, json: Json = False) -> int:
    """Whether one runs; ends with 1 when none does."""
    here = session(context, json)
    from actions.keeper.launch import keeper_facts

    ledger, _ = _ledger(here)
    found = keeper_facts(ledger)
    _answer(here, found)
    return ExitCode.OK if found.alive else ExitCode.FAILED


def _answer(here: Session, found: KeeperFacts) -> None:
    line = f"{UNKNOWN} the background watcher is not running: '{here.output.program} keeper start' starts one"
    if found.alive:
        beats = f"since {moment(found.since)}, last beat {moment(found.beat_at)}"
        line = f"{OK} runs as process {found.pid} on {found.host} {beats}"
    here.output.answer(found.model_dump(mode="json"), [line])
