"""Runs as commands show them: one payload, lines as steps end, and the exit code of an ended run."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from actions.model.errors import ExitCode
from actions.model.identity import short_id
from actions.model.record import Submitted
from actions.model.run import EventKind, Run, RunView, StepView
from actions.model.waiting import Deadline
from actions.model.words import RunState, StepState
from screens.words import number, took
from vq_tui.commands.output import Output, glyph
from vq_tui.commands.words import moment

if TYPE_CHECKING:
    from actions.desk.viewer import Viewer

MEASURES = ("seconds", "downtime_seconds", "requests", "failed_requests", "lost_writes", "users_affected")
SHOWN = {StepState.DONE, StepState.FAILED, StepState.SKIPPED, StepState.UNDONE, StepState.UNKNOWN}

GONE = {"dead", "none"}
LOOK_SECONDS = 1.0
ORPHAN_SECONDS = 30.0
"""A run that nobody carries out is waited for so long: somebody may be on the way to it."""


async def follow(viewer: "Viewer", run_id: str, output: Output, *, since: int = 0) -> RunView:
    """Say each step as it ends until no executor has anything more to do; returns the last view.

    `since` is the last event before the run was told something: a run that waited for a person is judged again only
    once an executor has obeyed, or has come and gone. A run that nobody carries out for `ORPHAN_SECONDS` is left.
    """
    said: set[tuple[int, str]] = set()
    views: AsyncIterator[RunView] = viewer.follow(run_id)
    last, alone = await viewer.run(run_id), Deadline(ORPHAN_SECONDS)
    if since:
        said = {_ended(step) for step in last.steps}
    coming = asyncio.ensure_future(_next(views))
    try:
        while True:
            await asyncio.wait({coming}, timeout=LOOK_SECONDS)
            if coming.done():
                view = coming.result()
                if view is None:
                    return last
                last, coming = view, asyncio.ensure_future(_next(views))
                _say(last, said, output)
            gone = (await viewer.executor(run_id)).state in GONE
            if _judged(last, since, gone=gone) or (gone and alone.passed):
                last = await viewer.run(run_id)  # what an executor wrote as its last words
                _say(last, said, output)
                return last
            if not gone or last.run.state is RunState.PAUSED:
                alone = Deadline(ORPHAN_SECONDS)
    finally:
        coming.cancel()


async def _next(views: AsyncIterator[RunView]) -> RunView | None:
    return await anext(views, None)


def _judged(view: RunView, since: int, *, gone: bool) -> bool:
    """Whether the state of the run is its answer, not what it was before somebody told it something."""
    state = view.run.state
    newer = {event.kind for event in view.events if event.seq > since}
    if not since or not state.active or EventKind.STATE in newer:
        return state.terminal
    return state.terminal and gone and EventKind.LOCK_ACQUIRED in newer


def _say(view: RunView, said: set[tuple[int, str]], output: Output) -> None:
    for step in view.steps:
        if step.state in SHOWN and _ended(step) not in said:
            said.add(_ended(step))
            output.line(step_line(step))


def _ended(step: StepView) -> tuple[int, str]:
    return step.step.id, str(step.state)


def step_line(view: StepView) -> str:
    """`● 3 switch traffic  2.1 s  green answers 20 of 20`."""
    spent = took(view.seconds) if view.seconds is not None else ""
    again = " (found done after a restart)" if view.recovered else ""
    failed = f" (failed: {view.failure.text})" if view.failure and view.failure.text != view.text else ""
    return f"{glyph(view.state)} {view.step.id} {view.step.title:<32} {spent:>7}  {view.text}{again}{failed}".rstrip()


def attached(submitted: Submitted) -> str:
    """What is said of a request whose run was there already."""
    name = short_id(submitted.run_id)
    if submitted.brought:
        further = "to go further back name a release (--to VERSION)"
        return f"run {name} has just brought what serves, and nothing is wrong with it: no other was begun; {further}"
    if submitted.resumed:
        return f"run {name} had lost its executor: it goes on"
    return f"run {name} was already asked for: attached to it"


def run_row(run: Run) -> dict[str, Any]:
    """A run in JSON wherever one is printed: in the history, in `status`, and at the head of `run_payload`."""
    measures = {name: run.metrics.get(name) for name in MEASURES}
    measures["seconds"] = run.seconds if run.seconds is not None else measures["seconds"]
    return {
        "run": run.id,
        "state": run.state,
        "procedure": run.procedure,
        "environment": run.environment,
        "service": run.service,
        "from": run.from_version,
        "to": run.to_version,
        "reason": run.reason,
        "operator": run.operator,
        "origin": run.origin,
        "drill": run.drill,
        "break_glass": run.broke_glass,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        **measures,
        "metrics": run.metrics,
    }


def run_payload(view: RunView) -> dict[str, Any]:
    """What `rollback --wait`, `runs follow` and `runs show` print of a run."""
    return run_row(view.run) | {
        "clock": view.clock,
        "manual": list(view.manual),
        "failure": view.failure,
        "steps": [step_payload(step) for step in view.steps],
    }


def step_payload(view: StepView) -> dict[str, Any]:
    """One step in JSON."""
    return {
        "id": view.step.id,
        "kind": view.step.kind,
        "title": view.step.title,
        "phase": view.phase,
        "state": view.state,
        "seconds": view.seconds,
        "text": view.text,
        "attempt": view.attempt,
        "recovered": view.recovered,
        "data": view.data,
        "failure": view.failure,
    }


def verdict_lines(view: RunView, executor: str, program: str) -> list[str]:
    """How a run stands, its measures once it ended, and what a person must do now.

    `executor` is the state of who carries it out; `program` begins the commands.
    """
    run = view.run
    lines = [f"{glyph(run.state)} {run.state}  {title(run)}  in {took(run.seconds)}"]
    names = {"downtime_seconds": "downtime", "failed_requests": "failed requests", "lost_writes": "lost writes"}
    measured = [f"{word} {_figure(run.metrics.get(name))}" for name, word in names.items()]
    if run.state.terminal:
        lines.append("  " + "   ".join(measured))
    if not run.state.terminal:
        lines.append(f"  {_under_way(view, executor, program)}")
    elif run.state is not RunState.SUCCEEDED and _why(view):
        lines.append(f"  {_why(view)}")
    if view.failure is not None and not any(view.failure.text in line for line in lines):
        lines.append(f"  failed: {view.failure.text}")
    if run.state is RunState.NEEDS_OPERATOR or view.manual:
        lines += ["  a person must act now:", *(f"  {number}. {step}" for number, step in enumerate(view.manual, 1))]
        lines.append(f"  then one of: {program} runs resume|back-out|close {short_id(run.id)}")
    return lines


def _under_way(view: RunView, executor: str, program: str) -> str:
    """Who carries a run out that has not ended, what it waits for, and the command that goes on from there."""
    name = short_id(view.run.id)
    if executor in GONE:
        return f"nobody carries it out; then: {program} runs resume {name}"
    if executor != "alive":
        return f"its executor is {executor}; {program} runs take-over {name} --stop ends it and takes the run over"
    if view.run.state is not RunState.PAUSED:
        return f"under way; {program} runs follow {name} stays with it"
    why = _why(view)
    if _asks(view):
        return f"paused: {why or 'waits for an answer'}; {program} runs show {name} lists what may be answered"
    return f"{why if why.startswith('paused') else 'paused'}; {program} runs resume {name} carries on"


def _why(view: RunView) -> str:
    """Why the run has the state that it has, in the words of whoever moved it there."""
    return next((str(one.body.get("reason", "")) for one in reversed(view.events) if one.kind is EventKind.STATE), "")


def _asks(view: RunView) -> bool:
    """Whether the last question of the run is open: only an answer, no resume, lets it go on."""
    asked = [one.kind for one in view.events if one.kind in (EventKind.GATE_OPENED, EventKind.GATE_ANSWERED)]
    return asked[-1:] == [EventKind.GATE_OPENED]


def _figure(value: object) -> str:
    return number(value if isinstance(value, int | float | str) else None)


def title(run: Run) -> str:
    """`rollback 7QK2AB  2.4.1 → 2.4.0`."""
    return f"{run.procedure} {short_id(run.id)}  {run.from_version} → {run.to_version}"


def _marks(run: Run) -> str:
    return ("  DRILL" if run.drill else "") + ("  BROKEN GLASS" if run.broke_glass else "")


def show_lines(view: RunView, executor: str, program: str) -> list[str]:
    """A whole run for people."""
    run = view.run
    about = [
        f"{title(run)}  of {run.service} in {run.environment}{_marks(run)}",
        f"  reason    {run.reason}",
        f"  operator  {run.operator}  from {run.origin}",
        f"  started   {moment(run.started_at or run.created_at)}  ended {moment(run.ended_at)}",
    ]
    return [*about, *(f"  {step_line(step)}" for step in view.steps), *verdict_lines(view, executor, program)]


def exit_code(state: RunState) -> int:
    """0 only for succeeded, 10 when a person is needed (also for a run that nobody carries out), else 1."""
    if state is RunState.SUCCEEDED:
        return ExitCode.OK
    return ExitCode.NEEDS_OPERATOR if state is RunState.NEEDS_OPERATOR or not state.terminal else ExitCode.FAILED
