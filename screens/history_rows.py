"""One line of the history. Pure."""

from collections.abc import Sequence
from datetime import datetime

from actions.model.identity import short_id
from actions.model.run import Run
from screens.cells import Row, cut, fit, row, safe
from screens.glyphs import ARROW, RUN
from screens.words import ago, plural, since, took

WIDE = 110


def history_row(run: Run, now: datetime, width: int) -> Row:
    """Age, id, kind, versions, state, seconds, who; on a wide page also the date, the service and why."""
    glyph, role = RUN[run.state]
    wide = width >= WIDE
    line = row((fit(ago(since(run.created_at, now)), 5, right=True), "dim"), "  ")
    if wide:
        line += row((f"{run.created_at:%Y-%m-%d %H:%M}  ", "dim"))
    line += row((short_id(run.id), "bright"), "  ", fit("drill" if run.drill else run.procedure, 9), " ")
    if wide:
        line += row(fit(run.service, 10), " ")
    versions = f"{run.from_version or '?'} {ARROW} {run.to_version or '?'}"
    line += row((fit(versions, 15), "bright"), " ", (f"{glyph} {fit(run.state.value, 14)}", role), " ")
    line += row((fit(took(run.seconds), 7, right=True), "text"), "  ", (fit(run.operator, 10), "dim"))
    return cut(line + row(" ", (run.reason, "dim")) if wide else line, width)


def history_text(runs: Sequence[Run], total: int) -> str:
    """Runs as plain text, a line each, nothing cut; how many of all these are."""
    lines = [
        "  ".join(
            filter(
                None,
                (
                    f"{run.created_at:%Y-%m-%d %H:%M:%S}Z",
                    run.id,
                    "drill" if run.drill else run.procedure,
                    run.service,
                    f"{run.from_version or '?'} {ARROW} {run.to_version or '?'}",
                    run.state.value,
                    took(run.seconds),
                    run.operator,
                    run.reason,
                ),
            )
        )
        for run in runs
    ]
    return "\n".join(map(safe, [*lines, f"{len(runs):,} of {plural(total, 'run')}"])) + "\n"


def header(width: int) -> Row:
    """Names of the columns."""
    wide = width >= WIDE
    names = fit("age", 6, right=True) + "  " + (fit("when", 18) if wide else "") + fit("run", 8) + fit("what", 10)
    names += (fit("service", 11) if wide else "") + fit("versions", 16) + fit("state", 17) + fit("took", 7, right=True)
    names += "  " + fit("who", 11) + ("why" if wide else "")
    return cut(row((names, "head")), width)
