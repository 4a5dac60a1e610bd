"""Figures of a run and of the service it moves, as users feel them: what was measured, and never more. Pure."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from actions.model.health import ServiceHealth
from actions.model.run import EventKind, RunView
from actions.model.words import HealthState
from screens.cells import Part, Row, row
from screens.glyphs import HEALTH
from screens.spark import falling, spark
from screens.words import ago, number, since, took


def health_row(health: ServiceHealth, now: datetime) -> Row:
    """What users of a service feel now. Figures are of now or are not shown: after a failed look they are older."""
    glyph, role = HEALTH[health.shown_state(now)]
    lead = row((f"{glyph} ", role), (health.service, "bright bold"))
    tried, seen = since(health.attempted_at, now), health.age(now)
    if tried is None or tried > 3 * health.interval + 1:
        return lead + row(("  no data", role), (f"   last seen {ago(seen)} ago", "dim"))
    if seen is None or seen > tried:
        words = f"   last answer {ago(seen)} ago" if seen is not None else "   never answered"
        return lead + row((f"  {health.shown_word}", role), f"  {health.error or health.summary}", (words, "dim"))
    line = lead + row((f"  {health.shown_word}", role), f"  {number(health.latency_ms, 'ms')}")
    errors = next((value for value in reversed(health.errors) if value is not None), None)
    if errors is None:
        return line
    line += row(("    errors ", "dim"), (number(errors, "fraction"), "warn" if errors else "ok"))
    plot = (spark(health.errors, 16, zero=True).lstrip(), "warn" if any(health.errors) else "ok")
    return line + row((f" {falling(health.errors)} ", "dim"), plot)


def nothing_against(health: ServiceHealth | None, service: str, now: datetime) -> Part:
    """What can be said where nothing measured speaks against a release: that it is well only when that is known."""
    if health is None or health.shown_state(now) is HealthState.UNKNOWN:
        return f"health of {service} is not known now: nothing is known for or against this release", "warn"
    if any(health.errors):
        worst = number(max(value for value in health.errors if value is not None), "fraction")
        latest = next((value for value in reversed(health.errors) if value is not None), 0.0)
        return f"errors up to {worst} a moment ago, {number(latest, 'fraction')} now", "warn"
    if health.shown_state(now) is not HealthState.OK:
        return f"{service} is {health.word}", "warn"
    return f"{service} is {health.word}: nothing measured speaks against it", "dim"


def measured(view: RunView) -> dict[str, JsonValue]:
    """The newest figures: of the run when it ended, else of the journal."""
    figures: dict[str, JsonValue] = {}
    for event in view.events:
        if event.kind is EventKind.MEASURED:
            figures |= event.body
    return figures | view.run.metrics


def cost_row(figures: Mapping[str, JsonValue], words: str) -> Row:
    """Downtime, lost requests, lost writes; what nobody could count is said to be so."""
    names = {
        "downtime_seconds": f"downtime {words}".strip(),
        "failed_requests": "requests lost",
        "lost_writes": "writes lost",
    }
    if words and not figures.keys() & names.keys():
        return row(("downtime, lost requests and writes are being counted", "dim"))
    line = Row()
    for key, label in names.items():
        value = figures.get(key)
        gap = "      " if line.spans else ""
        if isinstance(value, int | float):
            shown = took(value) if key == "downtime_seconds" else number(value)
            line += row(gap, (f"{label} ", "dim"), (shown, "warn bold" if value else "ok bold"))
        elif words and key not in figures:
            line += row(gap, (f"{label} counted at the end", "dim"))
        else:
            line += row(gap, (f"{label} ", "dim"), ("?", "warn"), (" not counted", "dim"))
    return line
