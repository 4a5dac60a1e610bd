"""One service as plain text, to copy and to keep: nothing of it is cut. Pure."""

from screens.cells import safe
from screens.service_rows import Detail, figure_verdict, idle, in_order, instance_verdict, name_of, state_row
from screens.words import ago, counted, number, plural, since, size

WIDTH = 10_000
"""Wide enough for any line that is laid out in columns."""


def service_text(detail: Detail) -> str:
    """State, instances, figures, and the log as far back as it was read, filtered as on the page."""
    parts = [[" ".join(state_row(detail, WIDTH).plain.split())], _instances(detail), _figures(detail), _log(detail)]
    return "\n\n".join("\n".join(map(safe, lines)) for lines in parts if lines) + "\n"


def _instances(detail: Detail) -> list[str]:
    lines = []
    for slot in detail.slots or ():
        share = "?" if slot.share is None else f"{slot.share * 100:.0f} %"
        if slot.facts is None:
            lines.append(f"{slot.slot}  {share}  ? {slot.error or 'the platform did not answer'}")
        elif not slot.facts.instances:
            lines.append(f"{slot.slot}  {share}  no instance; {slot.facts.desired} wanted")
        for one in slot.facts.instances if slot.facts else ():
            glyph, _, word = instance_verdict(one)
            parts = [slot.slot, share, f"{glyph} {one.name}", "" if one.id == one.name else one.id, word]
            parts += [one.version or "?", f"up {ago(since(one.started_at, detail.now))}"]
            parts += [plural(one.restarts, "restart") if one.restarts else "", f"on {one.host}" if one.host else ""]
            parts.append(f"cpu {number(one.cpu, 'fraction')}" if one.cpu is not None else "")
            parts.append(f"mem {size(one.memory_bytes)}" if one.memory_bytes is not None else "")
            lines.append("  ".join(filter(None, [*parts, one.message])))
    return ["INSTANCES", *lines] if lines else []


def _figures(detail: Detail) -> list[str]:
    figures = in_order(detail.health.figures) if detail.health else []
    stale = detail.health is None or detail.health.stale(detail.now)
    lines = []
    for one in figures:
        limit = f"limit {number(one.limit, one.unit)}" if one.limit is not None else ""
        words = [f"{figure_verdict(one, stale=stale)[0]} {one.name}", number(one.value, one.unit), limit, one.label]
        lines.append("  ".join(filter(None, words)))
    return ["FIGURES", *lines] if lines else []


def _log(detail: Detail) -> list[str]:
    unread = detail.counts.unread if detail.counts else ()
    lines = [f"all instances: {counted(detail.counts) if detail.counts else 'not counted'}"]
    lines += [f"? {words}" for words in (*detail.errors, *unread)]
    if detail.chosen is None or detail.log is None:
        return ["LOG", *lines]
    age = since(detail.log_at, detail.now)
    head = ["LOG", name_of(detail), "gets no traffic" if idle(detail) else ""]
    head += [f"read {ago(age)} ago" if age is not None else "", f"filter {detail.filter}" if detail.filter else ""]
    shown = [line for line in detail.log if detail.filter.lower() in line.lower()]
    return ["  ".join(filter(None, head)), *lines, *shown]
