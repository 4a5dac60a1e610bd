"""Runs as commands show them: one payload, lines as steps end, and the exit code of an ended run."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from actions.model.errors import ExitCode
from actions.model.identity import short_id
from actions.model.run import Run, RunView, StepView
from actions.model.words import RunState, StepState
from vq_tui.commands.output import Output, glyph
from vq_tui.commands.words import moment, number, seconds

if TYPE_CHECKING:
    from actions.desk.viewer import Viewer

MEASURES = ("seconds", "downtime_seconds", "requests", "failed_requests", "lost_writes", "users_affected")
SHOWN = {StepState.DONE, StepState.FAILED, StepState.SKIPPED, StepState.UNDONE, StepState.UNKNOWN}


async def follow(viewer: "Viewer", run_id: str, output: Output) -> RunView:
    """Say each step as it ends until no executor has anything more to do; returns the last view."""
    said: set[tuple[int, str]] = set()
    last: RunView | None = None
    views: AsyncIterator[RunView] = viewer.follow(run_id)
    async for view in views:
        last = view
        for step in view.steps:
            if step.state in SHOWN and (step.step.id, str(step.state)) not in said:
                said.add((step.step.id, str(step.state)))
                output.line(step_line(step))
        if view.run.state.terminal:
            break
    return last if last is not None else await viewer.run(run_id)


def step_line(view: StepView) -> str:
    """`✔ 3 switch traffic  2.1 s  green answers 20 of 20`."""
    took = seconds(view.seconds) if view.seconds is not None else ""
    again = " (found done after a restart)" if view.recovered else ""
    return f"{glyph(view.state)} {view.step.id} {view.step.title:<32} {took:>7}  {view.text}{again}".rstrip()


def run_payload(view: RunView) -> dict[str, Any]:
    """What `rollback --wait`, `runs follow` and `runs show` print of a run."""
    run = view.run
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
        "drill": run.drill,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        **measures,
        "metrics": run.metrics,
        "clock": view.clock,
        "manual": list(view.manual),
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
    }


def verdict_lines(view: RunView) -> list[str]:
    """How a run ended, its measures, and what a person must do now."""
    run = view.run
    lines = [f"{glyph(run.state)} {run.state}  {title(run)}  in {seconds(run.seconds)}"]
    names = {"downtime_seconds": "downtime", "failed_requests": "failed requests", "lost_writes": "lost writes"}
    measured = [f"{word} {number(run.metrics.get(name))}" for name, word in names.items()]
    if run.state.terminal:
        lines.append("  " + "   ".join(measured))
    if run.state is RunState.NEEDS_OPERATOR or view.manual:
        lines += ["  a person must act now:", *(f"  {number}. {step}" for number, step in enumerate(view.manual, 1))]
        lines.append(f"  then one of: vq-tui runs resume|back-out|close {short_id(run.id)}")
    return lines


def title(run: Run) -> str:
    """`rollback 7QK2AB  2.4.1 → 2.4.0`."""
    return f"{run.procedure} {short_id(run.id)}  {run.from_version} → {run.to_version}"


def show_lines(view: RunView) -> list[str]:
    """A whole run for people."""
    run = view.run
    about = [
        f"{title(run)}  of {run.service} in {run.environment}{'  DRILL' if run.drill else ''}",
        f"  reason    {run.reason}",
        f"  operator  {run.operator}  from {run.origin}",
        f"  started   {moment(run.started_at or run.created_at)}  ended {moment(run.ended_at)}",
    ]
    return [*about, *(f"  {step_line(step)}" for step in view.steps), *verdict_lines(view)]


def exit_code(state: RunState) -> int:
    """0 only for succeeded (and for a run that goes on while nobody waits), 10 when a person is needed, else 1."""
    if state is RunState.SUCCEEDED:
        return ExitCode.OK
    return ExitCode.NEEDS_OPERATOR if state is RunState.NEEDS_OPERATOR else ExitCode.FAILED
