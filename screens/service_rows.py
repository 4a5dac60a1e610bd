"""The rows of one service: where it stands, what was measured against which limit, and the end of its log. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from actions.model.health import Figure, ServiceHealth
from actions.model.platform import Instance, InstanceState
from actions.model.views import LogCounts, SlotView
from actions.model.words import Gate
from screens.cells import BLANK, Row, beside, column, cut, ends, fit, indent, row, title
from screens.glyphs import GATE, HEALTH, POINTER
from screens.pin_rows import pin_rows
from screens.spark import chart
from screens.words import ago, counted, number, plural, since, size, told

MARGIN = 2
PLOT = 30
OLD_SECONDS = 10.0
"""A log that was read longer ago says so: its source is slow or silent."""


@dataclass(frozen=True, slots=True)
class Detail:
    """What a service screen is drawn from."""

    health: ServiceHealth | None
    slots: tuple[SlotView, ...] | None
    chosen: tuple[str, str] | None
    log: tuple[str, ...] | None
    counts: LogCounts | None
    now: datetime
    top: int = 0
    filter: str = ""
    errors: tuple[str, ...] = ()
    figures_key: str = ""
    figures_from: int | None = None
    """With a number the figures alone are shown, from that one on."""
    write_key: str = ""
    log_at: datetime | None = None
    """When the log was read."""


def service_rows(detail: Detail, width: int, height: int) -> list[Row]:
    """State, instances by slot, figures beside their plot, log."""
    inner = width - 2 * MARGIN
    rows = [BLANK, state_row(detail, inner), BLANK]
    pins = [slot.facts.pin for slot in detail.slots or () if slot.facts is not None and slot.facts.pin is not None]
    rows += [line for pin in pins for line in pin_rows(pin, inner)] + ([BLANK] if pins else [])
    if detail.figures_from is not None:
        return indent([*rows, *all_figures(detail, inner, height - len(rows), detail.figures_from)], MARGIN)
    places = instance_rows(detail, inner)
    if places:
        room = max(4, height - 15)
        more = (
            [row((f"{' ' * 15}and {len(places) - room + 1} more; {detail.write_key} writes all of them", "dim"))]
            if len(places) > room
            else []
        )
        rows += [title("INSTANCES", inner), *places[: room - len(more)], *more, BLANK]
    left = height - len(rows)
    log = min(len(detail.log or ()) + 4, left // 2 + 1)
    figures = figure_rows(detail, inner, max(4, left - log - 1))
    rows += [*figures, BLANK] if figures else []
    return [*indent([*rows, *log_rows(detail, inner, height - len(rows))], MARGIN)][:height]


def state_row(detail: Detail, width: int) -> Row:
    """State now, and how old the data is."""
    health = detail.health
    if health is None:
        return row(("? ", "unknown"), ("no data: this service is not among those that are watched", "dim"))
    state = health.shown_state(detail.now)
    glyph, role = HEALTH[state]
    age = health.age(detail.now)
    left = row(
        (f"{glyph} ", role),
        (health.service, "bright bold"),
        (f"  {health.shown_word if not health.stale(detail.now) else 'no data'}", role),
    )
    left += row((f"  {told(health)}", "down" if health.error else "text"))
    when = "never seen" if age is None else f"{'STALE, ' if health.stale(detail.now) else ''}{ago(age)} old"
    return ends(left, row((when, "dim")), width)


# instances --------------------------------------------------------------------------
def well(instance: Instance) -> bool:
    """Whether it runs, and its platform does not say that it is not ready."""
    return instance.state is InstanceState.RUNNING and instance.ready is not False


def first_to_read(slots: Iterable[SlotView]) -> tuple[str, str] | None:
    """Slot and id of the instance whose log is shown first: what users meet, else what is not well, else the first."""
    there = [(slot, one) for slot in slots if slot.facts for one in slot.facts.instances]
    if not there:
        return None
    slot, one = min(there, key=lambda pair: (-(pair[0].share or 0.0), not pair[0].share and well(pair[1])))
    return slot.slot, one.id


def instance_rows(detail: Detail, width: int) -> list[Row]:
    """Slot by slot; a platform that did not answer is an error with its words, never an empty list."""
    if detail.slots is None:
        return [row(("asking the platform", "dim"))]
    rows = []
    for slot in detail.slots:
        share = ("?" if len(detail.slots) > 1 else "") if slot.share is None else f"{slot.share * 100:.0f} %"
        head = row((column(slot.slot, 8), "bright"), (column(share, 6), "text" if slot.share else "dim"))
        if slot.facts is None:
            rows.append(head + row(("? ", "warn"), (slot.error or "the platform did not answer", "warn")))
            continue
        if not slot.facts.instances:
            rows.append(
                head + row((f"no instance; {slot.facts.desired} wanted", "warn" if slot.facts.desired else "dim"))
            )
        for at, instance in enumerate(slot.facts.instances):
            lead = head if at == 0 else row(" " * 14)
            rows.append(cut(lead + instance_row(instance, detail, slot.slot, width), width))
    return rows


def instance_verdict(instance: Instance) -> tuple[str, str, str]:
    """Glyph, role and word of an instance."""
    ready = well(instance)
    starting = instance.state in (InstanceState.STARTING, InstanceState.STOPPING)
    glyph, role = GATE[Gate.PASS] if ready else ("▲", "warn") if starting else GATE[Gate.FAIL]
    return glyph, role, instance.state.value if ready or instance.state is not InstanceState.RUNNING else "not ready"


def instance_row(instance: Instance, detail: Detail, slot: str, width: int) -> Row:
    """One container, pod or process."""
    glyph, role, word = instance_verdict(instance)
    pointer = POINTER if detail.chosen == (slot, instance.id) else " "
    line = row(
        (pointer, "key"), (fit(instance.name, 14 if width < 100 else 24), "text"), (f" {glyph} {fit(word, 10)}", role)
    )
    line += row(
        (column(instance.version or "?", 8), "bright"),
        (column(f"up {ago(since(instance.started_at, detail.now))}", 8), "dim"),
    )
    restarts = plural(instance.restarts, "restart") if instance.restarts else ""
    line += row((column(restarts, 13) if width >= 100 else f"{restarts} ", "warn"))
    if width >= 100:
        line += row((f" cpu {number(instance.cpu, 'fraction')}" if instance.cpu is not None else "", "dim"))
        line += row((f"  mem {size(instance.memory_bytes)}" if instance.memory_bytes is not None else "", "dim"))
    return line + row((f" {instance.message}" if instance.message else "", "warn"))


# figures --------------------------------------------------------------------------
def figure_rows(detail: Detail, width: int, height: int) -> list[Row]:
    """Every figure with its limit and verdict, the failing first; the main figure's past beside them."""
    health = detail.health
    if health is None:
        return []
    figures = in_order(health.figures)
    left_width = width - PLOT - 3
    left = [
        title("FIGURES", left_width),
        *(figure_row(one, left_width, stale=health.stale(detail.now)) for one in figures),
    ]
    if len(left) > height:
        more = row(
            (f"  and {len(left) - height + 1} more; ", "dim"), (detail.figures_key, "key"), (" shows them", "dim")
        )
        left = [*left[: height - 1], more]
    right = [title(chart_title(health), PLOT)]
    right += [row((line, "spark")) for line in chart(health.trend, PLOT, max(2, min(4, len(left) - 1)))]
    rows = max(len(left), len(right))
    pairs = ((left[i] if i < len(left) else BLANK, right[i] if i < len(right) else BLANK) for i in range(rows))
    return [beside(a, b, left_width) for a, b in pairs]


def chart_title(health: ServiceHealth) -> str:
    """What the chart shows, its unit, its height and its window: `LATENCY to 47 ms, 40 s`."""
    known = [value for value in health.trend[-PLOT:] if value is not None]
    name, unit = ("LATENCY", "ms") if health.latency_ms is not None else ("TREND", "")
    if not known:
        return name
    return f"{name} to {number(max(known), unit)}, {ago(len(health.trend[-PLOT:]) * health.interval)}"


def all_figures(detail: Detail, width: int, height: int, first: int) -> list[Row]:
    """Every figure, from the one numbered `first` on, and how many there are."""
    health = detail.health
    figures = in_order(health.figures) if health else []
    shown = figures[first : first + max(1, height - 1)]
    where = (
        f"{first + 1} to {first + len(shown)} of {len(figures)}" if len(shown) < len(figures) else f"all {len(figures)}"
    )
    stale = health is None or health.stale(detail.now)
    return [title(f"FIGURES  {where}", width), *(figure_row(one, width, stale=stale) for one in shown)]


def in_order(figures: Iterable[Figure]) -> list[Figure]:
    """The failing first, then those within their limits, then those without a verdict."""
    order = {Gate.FAIL: 0, Gate.INCONCLUSIVE: 2, Gate.PASS: 1}
    return sorted(figures, key=lambda figure: order[figure.gate])


def figure_verdict(figure: Figure, *, stale: bool) -> tuple[str, str]:
    """Glyph and role of a figure."""
    if stale:
        return "?", "unknown"
    if figure.gate is Gate.INCONCLUSIVE:
        return ("?", "warn") if figure.value is None else (" ", "dim")
    return GATE[figure.gate]


def figure_row(figure: Figure, width: int, *, stale: bool) -> Row:
    """`● latency   38 ms   limit 200 ms`; what has no verdict has no tick."""
    glyph, role = figure_verdict(figure, stale=stale)
    limit = f"limit {number(figure.limit, figure.unit)}" if figure.limit is not None else figure.label
    value = (fit(number(figure.value, figure.unit), 12), "bright" if figure.value is not None and not stale else "dim")
    return cut(row((f"{glyph} ", role), (column(figure.name, 16), "dim"), value, (f" {limit}", "dim")), width)


# log --------------------------------------------------------------------------
def log_rows(detail: Detail, width: int, height: int) -> list[Row]:
    """The end of one log, and what the analysis counted in all of them; an unread log is said to be unread."""
    if detail.slots == () and detail.log is None and not detail.errors and not (detail.counts and detail.counts.lines):
        return [row(("LOG ", "head"), ("not read here: no platform that runs this is configured", "dim"))]
    head = row(("LOG ", "head"), (name_of(detail), "dim"))
    head += row(("  gets no traffic" if idle(detail) else "", "warn"))
    age = since(detail.log_at, detail.now) or 0.0
    head += row((f"  as of {ago(age)} ago" if age > OLD_SECONDS else "", "warn"))
    rows = [ends(head, row((f"filter {detail.filter}" if detail.filter else "", "key")), width)]
    words = "not counted" if detail.counts is None else counted(detail.counts)
    rows.append(cut(row((f"all instances: {words}", "dim")), width))
    rows += [
        row(("? ", "warn"), (words, "warn"))
        for words in (*detail.errors, *(detail.counts.unread if detail.counts else ()))
    ]
    if detail.log is None:
        words = "no instance whose log could be read" if not detail.chosen else "" if detail.errors else "reading"
        return [*rows, row((words, "dim"))]
    matching = [line for line in detail.log if detail.filter.lower() in line.lower()]
    if not matching:
        none = f"none in the last {plural(len(detail.log), 'line')}" if detail.filter and detail.log else ""
        return [*rows, row((none or "no lines yet in this log", "dim"))]
    room = max(1, height - len(rows))
    end = max(min(room, len(matching)), len(matching) - detail.top)
    return [*rows, *(cut(row((line, log_role(line))), width) for line in matching[max(0, end - room) : end])]


def idle(detail: Detail) -> bool:
    """Whether the chosen instance stands where no users are sent, while others serve them."""
    shares = {slot.slot: slot.share for slot in detail.slots or ()}
    return detail.chosen is not None and shares.get(detail.chosen[0]) == 0.0 and any(shares.values())


def name_of(detail: Detail) -> str:
    """The chosen instance by the name it has in the list above."""
    slots = detail.slots or ()
    names = {(slot.slot, one.id): one.name for slot in slots if slot.facts for one in slot.facts.instances}
    return names.get(detail.chosen, detail.chosen[1]) if detail.chosen else ""


def log_role(line: str) -> str:
    """Colour of a log line, by its own words."""
    upper = line[:80].upper()
    if any(word in upper for word in ("ERROR", "FATAL", "CRITICAL", "PANIC")):
        return "down"
    return "warn" if "WARN" in upper else "text"
