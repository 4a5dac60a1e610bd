"""`runs`: the history, one run in full, and what an operator may tell a run."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from actions.model.errors import ExitCode, UsageError
from actions.model.identity import short_id
from actions.model.record import RunPage, RunQuery
from actions.model.words import Command, RunState
from screens.words import took
from vq_tui.commands.follow import exit_code, follow, run_payload, run_row, show_lines, verdict_lines
from vq_tui.commands.output import glyph, table
from vq_tui.commands.rollback import wait_for
from vq_tui.commands.session import Json, run, session
from vq_tui.commands.words import ago

group = typer.Typer(help="Past and present runs: list, show, follow, and steer them.", rich_markup_mode=None)

Id = Annotated[str, typer.Argument(metavar="ID", help="A run's id, or its last letters.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is written into the journal.")]
Wait = Annotated[bool, typer.Option("--wait", help="Stay until the run has ended.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")]
Text = Annotated[str, typer.Option("--text", help="Only runs with this in id, reason, versions or operator.")]
State = Annotated[list[str] | None, typer.Option("--state", help="Only runs in this state; may be repeated.")]
Before = Annotated[str | None, typer.Option("--before", metavar="ID", help="Only runs older than this one.")]
Emergency = Annotated[
    bool, typer.Option("--break-glass", help="Those of the emergency ledger, made while the ledger refused.")
]
LISTED = 20


@group.callback(invoke_without_command=True)
def every(
    context: typer.Context,
    limit: Limit = LISTED,
    text: Text = "",
    state: State = None,
    before: Before = None,
    break_glass: Emergency = False,
    json: Json = False,
) -> int:
    """Past and present runs: list, show, follow, and steer them. Alone it is 'runs list', with its options."""
    if context.invoked_subcommand is None:
        return list_runs(context, limit, text, state, before, break_glass, json)
    session(context, json)
    if (limit, text, state or [], before, break_glass) != (LISTED, "", [], None, False):
        raise UsageError(
            "--limit, --text, --state, --before and --break-glass are of the list: they stand behind 'runs list', or"
            f" behind 'runs' alone, not before '{context.invoked_subcommand}'"
        )
    return 0


@group.command("list")
def list_runs(
    context: typer.Context,
    limit: Limit = LISTED,
    text: Text = "",
    state: State = None,
    before: Before = None,
    break_glass: Emergency = False,
    json: Json = False,
) -> int:
    """The history of this environment, newest first."""
    here = session(context, json)
    known = [one.value for one in RunState]
    wrong = [one for one in state or () if one not in known]
    if wrong:
        raise UsageError(f"--state: no state '{wrong[0]}'; there are: {', '.join(known)}")
    query = RunQuery(limit=limit, text=text, states=tuple(state or ()), before=before)

    async def work() -> int:
        async with here.viewing(emergency=break_glass) as viewer:
            viewer.require_ledger()
            before = await viewer.find(query.before) if query.before else None
            found = await viewer.runs(
                query.model_copy(update={"environment": viewer.environment_name, "before": before})
            )
        here.output.answer({"runs": list(map(run_row, found.runs)), "total": found.total}, _page_lines(found))
        return ExitCode.OK

    return run(work)


def _page_lines(found: RunPage) -> list[str]:
    now = datetime.now(UTC)
    rows = [
        [
            f"{glyph(one.state)} {short_id(one.id)}",
            ago(one.created_at, now),
            f"{one.procedure}{' (drill)' if one.drill else ''}{' (broken glass)' if one.broke_glass else ''}",
            f"{one.from_version} → {one.to_version}",
            str(one.state),
            took(one.seconds),
            one.operator,
            one.reason,
        ]
        for one in found.runs
    ]
    more = [f"{found.total - len(rows)} more"] if found.total > len(rows) else []
    return [*table(rows), *more] or ["no run yet"]


@group.command()
def show(context: typer.Context, identifier: Id, json: Json = False) -> int:
    """One run in full: plan, steps with their evidence, journal, questions, executor."""
    here = session(context, json)

    async def work() -> int:
        async with here.viewing(identifier) as viewer:
            viewer.require_ledger()
            run_id = await viewer.find(identifier)
            view, executor, gates = await viewer.run(run_id), await viewer.executor(run_id), await viewer.gates(run_id)
        payload = run_payload(view) | {"executor": executor, "gates": gates, "plan": view.plan, "events": view.events}
        open_gates = [f"  asks: {one.question} ({', '.join(one.choices)})" for one in gates if one.answer is None]
        lines = show_lines(view, executor.state, here.output.program)
        here.output.answer(payload, [*lines, f"  executor  {executor.state}", *open_gates])
        return ExitCode.OK

    return run(work)


@group.command("follow")
def follow_run(context: typer.Context, identifier: Id, json: Json = False) -> int:
    """Stay with a run until it has ended; any console or command may."""
    here = session(context, json)

    async def work() -> int:
        async with here.viewing(identifier) as viewer:
            viewer.require_ledger()
            view = await follow(viewer, await viewer.find(identifier), here.output)
            executor = (await viewer.executor(view.run.id)).state
        here.output.answer(run_payload(view), verdict_lines(view, executor, here.output.program))
        return exit_code(view.run.state)

    return run(work)


@group.command()
def resume(context: typer.Context, identifier: Id, wait: Wait = False, json: Json = False) -> int:
    """Let a paused run go on, or start a new executor for one whose executor is gone."""
    return _steer(context, identifier, Command.RESUME, "", wait=wait, json=json)


@group.command()
def pause(context: typer.Context, identifier: Id, reason: Reason = "", json: Json = False) -> int:
    """Let the step under way end, then wait."""
    return _steer(context, identifier, Command.PAUSE, reason, json=json)


@group.command()
def abort(context: typer.Context, identifier: Id, reason: Reason = "", wait: Wait = False, json: Json = False) -> int:
    """Stop a run that has changed nothing yet."""
    return _steer(context, identifier, Command.ABORT, reason, wait=wait, json=json)


@group.command("back-out")
def back_out(
    context: typer.Context, identifier: Id, reason: Reason = "", wait: Wait = False, json: Json = False
) -> int:
    """Undo what a run has done so far."""
    return _steer(context, identifier, Command.BACK_OUT, reason, wait=wait, json=json)


@group.command("take-over")
def take_over(
    context: typer.Context,
    identifier: Id,
    reason: Reason = "",
    stop: Annotated[bool, typer.Option("--stop", help="End an executor that hangs or is stopped first.")] = False,
    json: Json = False,
) -> int:
    """Become the owner of a run that another operator started, and have it carried out."""
    here = session(context, json)

    async def work() -> int:
        async with here.operating("runs take-over", identifier) as operator:
            run_id = await operator.find(identifier)
            before = await operator.take_over(run_id, reason, stop=stop)
            view = await operator.run(run_id)
        payload = run_payload(view) | {"command": "take-over", "executor_before": before}
        here.output.answer(payload, [f"run {short_id(run_id)} is yours; its executor was {before.state}"])
        return ExitCode.OK

    return run(work)


@group.command()
def close(context: typer.Context, identifier: Id, reason: Reason = "", json: Json = False) -> int:
    """End a run that waits for a person, once things were put right by hand; say with --reason what was done."""
    here = session(context, json)

    async def work() -> int:
        async with here.operating("runs close", identifier) as operator:
            run_id = await operator.find(identifier)
            await operator.close_run(run_id, reason)
            view, executor = await operator.run(run_id), (await operator.executor(run_id)).state
        lines = verdict_lines(view, executor, here.output.program)
        here.output.answer(run_payload(view) | {"command": "close"}, lines)
        return ExitCode.OK

    return run(work)


@group.command()
def note(context: typer.Context, identifier: Id, text: str, json: Json = False) -> int:
    """Write a line into the journal of a run."""
    if not text.strip():
        raise UsageError("the note is empty")
    return _steer(context, identifier, Command.NOTE, text, json=json)


@group.command()
def answer(context: typer.Context, identifier: Id, gate: str, choice: str, json: Json = False) -> int:
    """Answer a question that a run asks; `runs show` lists them."""
    here = session(context, json)

    async def work() -> int:
        async with here.operating("runs answer", identifier) as operator:
            run_id = await operator.find(identifier)
            await operator.answer(run_id, gate, choice)
        here.output.answer({"run": run_id, "gate": gate, "answer": choice}, [f"answered {choice}"])
        return ExitCode.OK

    return run(work)


def _steer(
    context: typer.Context, identifier: str, command: Command, reason: str, *, wait: bool = False, json: bool = False
) -> int:
    here = session(context, json)

    async def work() -> int:
        async with here.operating(f"runs {command}", identifier) as operator:
            run_id = await operator.find(identifier)
            since = (await operator.run(run_id)).events[-1].seq
            if command is Command.RESUME:
                await operator.resume(run_id)
            else:
                await operator.command(run_id, command, reason)
            view = await (wait_for(operator, run_id, here.output, since=since) if wait else operator.run(run_id))
            executor = await operator.executor(run_id)
        payload = run_payload(view) | {"command": command, "executor": executor}
        verdict = verdict_lines(view, executor.state, here.output.program)
        here.output.answer(payload, verdict if wait else [f"{command} sent to run {short_id(run_id)}"])
        return exit_code(view.run.state) if wait else ExitCode.OK

    return run(work)
