"""`drill`: rehearse an emergency on the embedded stack, by hand or unattended, and see the score."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actions.model.errors import ExitCode, Refused, UsageError
from actions.model.record import Drill
from actions.model.views import Scenario
from screens.glyphs import RUNNING
from vq_tui.commands.output import glyph, table
from vq_tui.commands.session import Json, Session, run, session
from vq_tui.commands.words import moment

if TYPE_CHECKING:
    from actions.desk.viewer import Viewer


def add_to(program: typer.Typer) -> None:
    """Name the command."""
    program.command("drill")(drill)


def drill(
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="What to rehearse; 'list' lists them.")] = "list",
    auto: Annotated[
        bool, typer.Option("--auto", help="Unattended: wait for detection, roll back, score, mend.")
    ] = False,
    end: Annotated[bool, typer.Option("--end", help="End the drill that is open: score it and mend.")] = False,
    json: Json = False,
) -> int:
    """Rehearse an emergency. Without --auto the fault is left to you: roll back, then 'drill SCENARIO --end'."""
    here = session(context, json)
    if auto and end:
        raise UsageError("give either --auto or --end")
    if scenario == "list" and (auto or end):
        from actions.drills.scenarios import SCENARIOS

        raise UsageError(f"which drill? name it before --{'auto' if auto else 'end'}: {', '.join(_ids(SCENARIOS))}")
    if scenario == "list":
        return run(lambda: _list(here))
    return run(lambda: _end(here, scenario) if end else _start(here, scenario, auto))


async def _list(here: Session) -> int:
    async with here.viewing() as viewer:
        scenarios, past = viewer.scenarios(), await viewer.drills()
    rows = [[one.id, one.title, _best(one, past)] for one in scenarios]
    lines = table(rows) or ["no drills here: they need an environment with drill = true and a sandbox directory"]
    here.output.answer({"scenarios": scenarios, "drills": past}, [*lines, *map(drill_line, past[:10])])
    return ExitCode.OK


async def _start(here: Session, name: str, auto: bool) -> int:
    async with here.operating("drill") as operator:
        if auto:
            from actions.desk.rehearse import rehearse

            found = await rehearse(operator, name, here.output.aside)
            return _judged(here, found, await _run_payload(operator, found))
        found = await operator.start_drill(name)
    program = here.output.program
    lines = [
        f"{RUNNING} drill {name}: {story(operator, name)}",
        f"  roll back:        {program} rollback --last-good",
        f"  close and score:  {program} drill {name} --end",
    ]
    here.output.answer(drill_payload(found), lines)
    return ExitCode.OK


async def _end(here: Session, name: str) -> int:
    async with here.operating("drill") as operator:
        opened = [one for one in await operator.drills() if one.ended_at is None and one.scenario == name]
        if not opened:
            raise Refused(f"no drill '{name}' is open: there is nothing to end")
        found = await operator.end_drill(opened[0].id)
        return _judged(here, found, await _run_payload(operator, found))


def _judged(here: Session, found: Drill, run_payload: dict[str, Any] | None) -> int:
    lines = [drill_line(found), *(f"  {remark}" for remark in found.remarks)]
    here.output.answer(drill_payload(found) | {"run": run_payload}, lines)
    return ExitCode.OK if found.passed else ExitCode.FAILED


async def _run_payload(viewer: "Viewer", found: Drill) -> dict[str, Any] | None:
    from vq_tui.commands.follow import run_payload

    return run_payload(await viewer.run(found.run_id)) if found.run_id else None


def story(viewer: "Viewer", name: str) -> str:
    """What the operator is told."""
    return next((one.story for one in viewer.scenarios() if one.id == name), "")


def drill_payload(found: Drill) -> dict[str, Any]:
    """A drill in JSON, with the seconds of each stretch beside its clock points."""
    points = dict(sorted(found.points.items(), key=lambda one: one[1]))
    since = {name: (at - points["injected"]).total_seconds() for name, at in points.items() if "injected" in points}
    return {"drill": found.model_dump(mode="json"), "seconds_since_injected": since, "score": found.score} | {
        "passed": found.passed,
        "scenario": found.scenario,
    }


def drill_line(found: Drill) -> str:
    """One rehearsal in one line."""
    word = "open" if found.ended_at is None else "passed" if found.passed else "failed"
    mark = glyph({"passed": "pass", "failed": "fail"}.get(word, "running"))
    return f"{mark} {found.scenario}  {word}  score {found.score}  {moment(found.started_at)}  {found.operator}"


def _ids(scenarios: Iterable[Scenario]) -> list[str]:
    return [one.id for one in scenarios]


def _best(scenario: Scenario, past: tuple[Drill, ...]) -> str:
    scores = [one.score for one in past if one.scenario == scenario.id and one.score is not None]
    return f"best {max(scores)} of {len(scores)}" if scores else "never rehearsed"
