"""`demo`: the embedded stack and a console on it; with --headless only proof that it works."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from actions.model.errors import ExitCode, LedgerError
from actions.model.identity import short_id
from actions.model.words import RunState
from screens.words import took
from vq_tui import tty
from vq_tui.commands.guard import Terminated
from vq_tui.commands.output import Output
from vq_tui.commands.sandbox import take_down
from vq_tui.commands.session import Json, Session, run, session
from vq_tui.commands.standing import standing

ENVIRONMENT = "sandbox"
MOST_SECONDS = 120.0
"""How long the stack waits at most for the run that goes on after its console."""
LOOK_SECONDS = 0.2
WAITING = frozenset({RunState.PAUSED, RunState.NEEDS_OPERATOR})


def add_to(program: typer.Typer) -> None:
    """Name the command."""
    program.command("demo")(demo)


def demo(
    context: typer.Context,
    headless: Annotated[
        bool, typer.Option("--headless", help="No console: print health and readiness, then end.")
    ] = False,
    duration: Annotated[
        float, typer.Option("--for", metavar="SECONDS", min=0, max=86_400, help="How long to watch.")
    ] = 15,
    directory: Annotated[Path | None, typer.Option("--dir", metavar="DIR", help="Where; else a temporary one.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack up at the end.")] = False,
    json: Json = False,
) -> int:
    """Bring the embedded stack up and open the console on it; at the end everything is taken down again."""
    here = session(context, json)
    here.may_not_be_read_only("demo")
    if not headless:
        tty.require(os.environ)
    with _stack(here.output, directory, keep=keep) as (config, took):
        if headless:
            return run(lambda: _watch(replace(here, config=config, env=None), duration, took))
        code = _console(here, config)
        if not keep:
            _let_it_end(here.output, config.parent / "ledger")
        return code


@contextlib.contextmanager
def _stack(output: Output, directory: Path | None, *, keep: bool) -> Iterator[tuple[Path, float]]:
    """The stack, up for the block. A directory that was there before stays; a temporary one goes."""
    from actions.sandbox import stack

    where = Path(tempfile.mkdtemp(prefix="vq-tui-demo-")) if directory is None else directory.absolute()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    output.aside(f"bringing the embedded stack up in {where}")
    try:
        facts = stack.up(where)
        output.aside(f"up in {took(facts.seconds)}")
        yield facts.config, facts.seconds
    finally:
        if keep:
            output.aside(f"left up: vq-tui --config {where / 'vq-tui.toml'}; vq-tui sandbox down --dir {where}")
        else:
            output.aside("taking it down")
            take_down(where, keep=directory is not None)
            if directory is None:
                shutil.rmtree(where, ignore_errors=True)


def _console(here: Session, config: Path) -> int:
    """The console in a process of its own: however it ends, this one is there to take the stack down."""
    words = [sys.executable, "-m", "vq_tui", "--config", str(config)]
    words += ["--ascii"] if here.output.ascii else []
    words += ["--theme", here.theme] if here.theme else []
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a key of the console, not of the demo
    with subprocess.Popen(words) as console:
        try:
            return console.wait()
        finally:
            console.terminate()


def _let_it_end(output: Output, ledger: Path) -> None:
    """A run outlives its console, also here: the stack under it stays until it has ended, or nobody carries it on."""
    from actions.ledger import open_reader
    from actions.runner.steer import AT_WORK
    from screens.steers import starting

    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(LedgerError), open_reader(ledger) as reader:  # a damaged one goes with the stack

        def works() -> bool:
            run = reader.active(ENVIRONMENT)
            if run is None or run.state in WAITING:
                return False
            executor = reader.executor(run.id)
            return executor.state in AT_WORK or starting(run, executor, datetime.now(UTC))

        run, end = reader.active(ENVIRONMENT), time.monotonic() + MOST_SECONDS
        if run is not None and works():
            output.aside(f"the stack stays until run {short_id(run.id)} has ended; ctrl+c takes both down now")
        while works() and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
        left = reader.active(ENVIRONMENT)
        if left is not None:
            output.aside(f"run {short_id(left.id)} has not ended ({left.state.value}): it goes with the stack")


def _leave(number: int, _frame: object) -> None:
    """The terminal has gone, or somebody ends this process: the `finally` parts run, so the stack goes too."""
    raise Terminated(number)


async def _watch(here: Session, duration: float, took: float) -> int:
    """Look for `duration` seconds, then answer once."""
    end = time.monotonic() + duration
    seen = 0
    async with here.operating("demo") as operator:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(duration, 0.001)):
                async for _ in operator.snapshots():
                    seen += 1
        await asyncio.sleep(max(0.0, end - time.monotonic()))
        payload, lines = await standing(operator, here.output.program)
    answer: dict[str, Any] = {"seconds_up": took, "snapshots": seen, **payload, "health": payload["services"]}
    here.output.answer(answer, lines)
    return ExitCode.OK
