"""The rows of the drill screen: the clock of one drill against its budgets, and what earlier drills scored. Pure."""

from datetime import datetime

from actions.model.record import Drill
from actions.model.run import RunView
from actions.model.views import Scenario
from screens.cells import Row, cut, fit, row, wrap
from screens.glyphs import DOWN, OK, RUNNING
from screens.words import ago, face, plural, since, took

POINTS = ("injected", "detected", "decided", "acted", "moved", "recovered")


FROM_THE_RUN = ("acted", "moved", "recovered")


def with_run(drill: Drill, view: RunView) -> Drill:
    """The drill with the points of its run: while it is under way its own record has only those before the run."""
    points = {name: view.clock[name] for name in FROM_THE_RUN if name in view.clock}
    return drill.model_copy(update={"points": {"acted": view.run.created_at, **drill.points, **points}})


def verdict(drill: Drill) -> tuple[str, str, str, str]:
    """Glyph, role and word of a drill, and its score."""
    glyph, role, word = (OK, "ok", "passed") if drill.passed else (DOWN, "down", "failed")
    if drill.ended_at is None:
        glyph, role, word = RUNNING, "run", "under way"
    return glyph, role, word, f"score {drill.score if drill.score is not None else 'none'}"


def clock_rows(drill: Drill, now: datetime, width: int, most: int) -> list[Row]:
    """Verdict and score, then the six points of the clock with the seconds each came after the injection.

    Of the remarks as many rows as fit into `most` rows in all.
    """
    start = drill.points.get("injected", drill.started_at)
    running = drill.ended_at is None
    glyph, role, word, score = verdict(drill)
    line = row((f"{glyph} ", role), (drill.scenario, "bright bold"), (f"  by {drill.operator}", "dim"))
    if running:
        line += row((f"   {face(since(start, now))}", "bright bold"))
    else:
        line += row((f"   {ago(since(drill.started_at, now))} ago   ", "dim"), (word, f"{role} bold"))
        line += row((f"   {score}", "bright bold"))
    cell = min(13, width // len(POINTS))
    names, values = Row(), Row()
    for point in POINTS:
        when = drill.points.get(point)
        after = took((when - start).total_seconds()) if when else "not yet" if running else "never"
        names += row((fit(point, cell), "dim"))
        values += row((fit("0" if point == "injected" and when else after, cell), "bright" if when else "dim"))
    remarks = [row((part, "dim")) for remark in drill.remarks for part in wrap(remark, width)]
    room = max(1, most - 3)
    if len(remarks) > room:
        remarks = [*remarks[: room - 1], row((f"and {plural(len(remarks) - room + 1, 'line')} more", "dim"))]
    return [cut(line, width), names, values, *remarks]


def drill_row(drill: Drill, now: datetime, width: int) -> Row:
    """One earlier drill."""
    glyph, role, word, score = verdict(drill)
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
        (fit(score, 11), "bright"),
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
