"""The rows of the drill screen: the clock of one drill against its budgets, and what earlier drills scored. Pure."""

from datetime import datetime

from actions.model.record import Drill
from actions.model.run import RunView
from actions.model.views import Scenario
from screens.cells import Row, cut, fit, row, wrap
from screens.glyphs import DOWN, OK, RUNNING
from screens.words import ago, face, since, took

POINTS = ("injected", "detected", "decided", "acted", "moved", "recovered")


FROM_THE_RUN = ("acted", "moved", "recovered")


def with_run(drill: Drill, view: RunView) -> Drill:
    """The drill with the points of its run: while it is under way its own record has only those before the run."""
    points = {name: view.clock[name] for name in FROM_THE_RUN if name in view.clock}
    return drill.model_copy(update={"points": {"acted": view.run.created_at, **drill.points, **points}})


def clock_rows(drill: Drill, now: datetime, width: int) -> list[Row]:
    """The six points of the clock with the seconds each came after the injection."""
    start = drill.points.get("injected", drill.started_at)
    running = drill.ended_at is None
    line = row(
        (f"{RUNNING} " if running else "", "run"), (drill.scenario, "bright bold"), (f"  by {drill.operator}", "dim")
    )
    line += row(
        (f"   {face(since(start, now))}", "bright bold")
        if running
        else (f"   {ago(since(drill.started_at, now))} ago", "dim")
    )
    cell = min(13, width // len(POINTS))
    names, values = Row(), Row()
    for point in POINTS:
        when = drill.points.get(point)
        after = took((when - start).total_seconds()) if when else "not yet" if running else "never"
        names += row((fit(point, cell), "dim"))
        values += row((fit("0" if point == "injected" and when else after, cell), "bright" if when else "dim"))
    remarks = (row((part, "dim")) for remark in drill.remarks for part in wrap(remark, width))
    return [line, names, values, *remarks]


def drill_row(drill: Drill, now: datetime, width: int) -> Row:
    """One earlier drill."""
    glyph, role, word = (OK, "ok", "passed") if drill.passed else (DOWN, "down", "failed")
    if drill.ended_at is None:
        glyph, role, word = RUNNING, "run", "under way"
    recovered = drill.points.get("recovered")
    seconds = (recovered - drill.points.get("injected", drill.started_at)).total_seconds() if recovered else None
    line = row(
        (fit(ago(since(drill.started_at, now)), 5, right=True), "dim"),
        "  ",
        fit(drill.scenario, 18),
        (fit(drill.operator, 9), "dim"),
    )
    line += row(
        (f"{glyph} {fit(word, 10)}", role),
        (fit("score " + (str(drill.score) if drill.score is not None else "none"), 11), "bright"),
    )
    return cut(
        line
        + row(
            ("recovered after " if seconds is not None else "not recovered", "dim"),
            took(seconds) if seconds is not None else "",
        ),
        width,
    )


def story_rows(scenario: Scenario, width: int) -> list[Row]:
    """What the operator is told, and the budgets."""
    see, decide = took(scenario.detected_seconds), took(scenario.decided_seconds)
    budgets = f"budgets: see it in {see}, decide in {decide}, be well in {took(scenario.recovered_seconds)}"
    return [*(row(line) for line in wrap(scenario.story, width)), row((budgets, "dim"))]
