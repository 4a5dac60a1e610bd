"""The rows of what changed lately, and of sources that were lost: their last values, labelled with their age. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from actions.model.identity import short_id
from screens.cells import Part, Row, cut, ends, fit, row, safe
from screens.words import ago, since

if TYPE_CHECKING:
    from actions.model.record import ChangeNote
    from screens.home_rows import Home

_OF_INSTANCES = frozenset({"ended", "restart", "scale"})
"""Kinds of change that befall any service, also one that is never rolled back: its name is always there."""

WIDE = 55
"""Columns from which a line also names the service and the run."""


def changed_rows(home: Home, width: int, height: int) -> list[Row]:
    """Newest first: when, what, who."""
    changes = home.scene.changes
    if changes is None:
        return [row(*unheard(home, "changes", "waiting"))]
    doubt = doubt_rows(home, "changes", width)
    rows = [changed_row(change, home, width) for change in changes] or [row(("nothing is on record", "dim"))]
    return [*doubt, *rows][:height]


def unheard(home: Home, source: str, waiting: str) -> tuple[Part, ...]:
    """Of a source that never answered: why, or what is waited for. What the whole page says is not said again."""
    error = home.scene.errors.get(source)
    if error is None:
        return ((waiting, "dim"),)
    return ("? ", "warn"), ("not known", "warn"), ("" if error == home.scene.trouble else f"  {error}", "dim")


def doubt_rows(home: Home, source: str, width: int) -> list[Row]:
    """Over the last values of a source that fails: how old they are, and why."""
    error = home.scene.errors.get(source)
    if error is None:
        return []
    error = "" if error == home.scene.trouble else error
    return [
        cut(
            row(
                ("? ", "warn"),
                (f"as of {ago(since(home.scene.heard.get(source), home.now))} ago", "warn"),
                (f"  {error}", "dim"),
            ),
            width,
        )
    ]


def changed_row(change: ChangeNote, home: Home, width: int) -> Row:
    """One change."""
    letter = home.letters.get(f"run {change.run_id}")
    age = fit(ago(since(change.at, home.now)), 5, right=True)
    lead: tuple[Part, ...] = ((letter, "badge"), (age[1:], "dim")) if letter and change.run_id else ((age, "dim"),)
    line = row(*lead, "  ", (fit(change.kind, 8), "text"), " ")
    whole, short = what_changed(change, home, width)
    run = short_id(change.run_id)[-3:] if change.run_id else ""
    by = row((fit(change.by, 10 if width >= WIDE else 7), "dim"), " ", (fit(run, 3), "dim"))
    for what, tail in ((whole, by), (short, by), (short, row((change.by, "dim")))):
        if line.width + cell_len(what) + 1 + tail.width <= width:
            return ends(line + row((what, "bright")), tail, width)
    return cut(line + row((short, "bright")), width)


def what_changed(change: ChangeNote, home: Home, width: int) -> tuple[str, str]:
    """The note without what its line says already; also without its reason, which is in the run."""
    text = change.text.removeprefix(f"{change.subject}: ").removeprefix(f"{change.kind} ")
    text = (text.partition(" was undone: ")[2] or text).replace(" ended, score", " score")
    short = text.partition(": ")[0] if change.run_id else text
    if (
        change.subject in text
        or change.kind == "drill"
        or (width < WIDE and not home.several and change.kind not in _OF_INSTANCES)
    ):
        return safe(text), safe(short)
    return safe(f"{change.subject} {text}"), safe(f"{change.subject} {short}")
