"""The rows of the home screen: five answers at a glance. Pure: from a scene and the time to rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice, repeat, zip_longest
from typing import TYPE_CHECKING

from actions.model.words import Gate, HealthState
from screens.cells import BLANK, Part, Row, beside, cut, fit, indent, row, title, wrap
from screens.changed_rows import changed_rows, doubt_rows, unheard
from screens.glyphs import ARROW, GATE, HEALTH, POINTER, RUN, WARN
from screens.pin_rows import pin_rows
from screens.spark import spark
from screens.ways import STALE_SECONDS, doubt, ways_rows
from screens.words import about, ago, face, nowhere, short_evidence, short_name, since, took

if TYPE_CHECKING:
    from actions.model.health import Check, ServiceHealth
    from actions.model.plan import Readiness
    from actions.model.run import Run
    from screens.scene import Scene


_ORDER = {HealthState.DOWN: 0, HealthState.UNKNOWN: 1, HealthState.DEGRADED: 2, HealthState.OK: 3}


@dataclass(frozen=True, slots=True)
class Home:
    """What the home rows are drawn from."""

    scene: Scene
    now: datetime
    pointer: str | None = None
    letters: Mapping[str, str] = field(default_factory=dict)
    keeper_key: str = ""

    @property
    def several(self) -> bool:
        """Whether there are several services that could be rolled back."""
        return bool(self.scene.ways) or any(name.startswith("readiness ") for name in self.scene.errors)


def home_rows(home: Home, width: int, height: int) -> list[Row]:
    """Two columns: health over what changed, the way back over what is next."""
    inner = width - 2
    left = inner * 53 // 100
    right = inner - left - 2
    way_back = ways_rows(home, right, max(4, height - 8)) if home.several else way_back_rows(home, right)
    services = len(home.scene.snapshot.services) if home.scene.snapshot else 1
    top = min(max(services, len(way_back), 4), max(4, height - 8))
    bottom = max(1, height - top - 4)
    upper = (
        [*indent([title("HEALTH", left)]), *health_rows(home, left, top)],
        [title("ROLLBACK READINESS", right), *way_back[:top]],
    )
    changed = [title("CHANGED LATELY", left), *changed_rows(home, left, bottom)]
    lower = indent(changed), [title("NEXT", right), *next_rows(home, right)]
    return [BLANK, *_columns(*upper, top + 1, left + 1), BLANK, *_columns(*lower, bottom + 1, left + 1)][:height]


def _columns(left: Sequence[Row], right: Sequence[Row], height: int, left_width: int) -> list[Row]:
    pairs = zip_longest(left[:height], right[:height], fillvalue=BLANK)
    return list(islice(chain((beside(a, b, left_width, 2) for a, b in pairs), repeat(BLANK)), height))


# health --------------------------------------------------------------------------
def in_order(services: Sequence[ServiceHealth], now: datetime, room: int) -> list[ServiceHealth]:
    """As configured while all fit; otherwise the worst first, so that none of them hides below the edge."""
    if len(services) <= room:
        return list(services)
    return sorted(services, key=lambda one: _ORDER[one.shown_state(now)])


def health_rows(home: Home, width: int, height: int) -> list[Row]:
    """One line a service, with its own age where it is stale."""
    snapshot = home.scene.snapshot
    if snapshot is None:
        return [row((" ? ", "unknown"), (home.scene.errors.get("health", "waiting for the first look"), "dim"))]
    shown = in_order(snapshot.services, home.now, height)
    names = min(14, max((len(one.service) for one in shown), default=4))
    start = 0
    if len(shown) > height:
        at = next((i for i, one in enumerate(shown) if one.service == home.pointer), 0)
        start = min(max(0, at - height + 2), len(shown) - height + 1)
    visible = shown[start : start + height]
    if len(shown) > start + height:
        visible = visible[: height - 1]
    rows = [health_row(one, home, width, names) for one in visible]
    rest = shown[start + len(visible) :]
    return [*rows, row((f"   and {_counts(rest, home.now)}", "dim"))] if rest else rows


def _counts(services: Sequence[ServiceHealth], now: datetime) -> str:
    states = [one.shown_state(now) for one in services]
    return ", ".join(f"{states.count(state)} {state.value}" for state in _ORDER if state in states)


def health_row(health: ServiceHealth, home: Home, width: int, names: int) -> Row:
    """Glyph, name, word, what was measured; on a wide page also the recent past."""
    state = health.shown_state(home.now)
    glyph, role = HEALTH[state]
    stale = health.stale(home.now)
    word, summary = health.shown_word, health.summary
    if stale and state is HealthState.UNKNOWN:
        age = health.age(home.now)
        word, summary = "no data", f"last seen {ago(age)} ago" if age is not None else health.error or "never seen"
    name_role = "bright bold" if state is not HealthState.UNKNOWN else "unknown"
    letter = home.letters.get(f"service {health.service}")
    lead: list[Part] = [(POINTER if home.pointer == health.service else " ", "key")]
    lead.append((letter, "badge") if letter else (glyph, role))
    plot = 16 if width >= 60 else 0
    room = width - names - 13 - (plot + 2 if plot else 0)
    line = row(*lead, " ", (fit(health.service, names), name_role), "  ", (fit(word, 8), role), " ")
    line += row((fit(summary, room), "text" if state is not HealthState.UNKNOWN else "dim"))
    if plot:
        colour = {"warn": "warn", "down": "down"}.get(role, "spark")
        line += row("  ", (spark(health.trend, plot), colour if not stale else "faint"))
    return line


# way back --------------------------------------------------------------------------
def way_back_rows(home: Home, width: int) -> list[Row]:
    """Readiness of the way back: its verdict, every check with its evidence, and what to do where one does not pass."""
    readiness = home.scene.readiness
    error = doubt(readiness, "readiness", home.scene)
    if readiness is None:
        return [row(("? ", "warn"), ("UNKNOWN", "warn bold"), f"  {error or 'not looked at yet'}")]
    age = since(readiness.at, home.now) or 0.0
    doubted = bool(error) or age > STALE_SECONDS
    rows = [verdict_row(readiness, doubted=doubted)]
    labels = min(12, max(8, *(len(short_name(check)) for check in readiness.checks), 0))
    if doubted:
        rows = [
            row(("? ", "warn"), ("UNKNOWN", "warn bold"), (f"  as of {ago(age)} ago: {error or 'stale'}", "dim")),
            *rows,
        ]
    if readiness.reason and readiness.gate != Gate.PASS:
        rows += [row(("  " + line, "text")) for line in wrap(readiness.reason, width - 2)[:2]]
    judged = any(check.id == "good" for check in readiness.checks)
    if readiness.to is not None and readiness.to.soaked_seconds and not judged:
        rows.append(
            row((f"  {fit('good', labels)}  ", "dim"), f"soaked {ago(readiness.to.soaked_seconds)} under health")
        )
    for check in sorted(readiness.checks, key=lambda one: one.gate is Gate.PASS):
        rows += check_rows(check, width, labels, advise=readiness.gate != Gate.PASS)
    return [cut(line, width) for line in rows]


def verdict_row(readiness: Readiness, *, doubted: bool = False) -> Row:
    """`● READY  to 2.4.0 in about 11 s`; where that is `doubted`, what it was, and never in green."""
    gate = Gate(readiness.gate)
    glyph, role = GATE[gate]
    word = {Gate.PASS: "READY", Gate.FAIL: "NOT READY", Gate.INCONCLUSIVE: "UNVERIFIED"}[gate]
    line = row(("  was ", "dim"), (word, "dim")) if doubted else row((f"{glyph} ", role), (word, f"{role} bold"))
    if readiness.to is not None:
        line += row(("  to ", "dim"), (readiness.to.version, "bright bold"))
        if readiness.expected_seconds is not None:
            line += row((" in about ", "dim"), (about(readiness.expected_seconds), "bright bold"))
    elif gate is not Gate.PASS:
        line += row((f"  {nowhere(readiness)}", "dim"))
    return line


def check_rows(check: Check, width: int, labels: int, *, advise: bool) -> list[Row]:
    """A passing check in one quiet line; any other with its glyph and, where `advise`, the next step."""
    glyph, role = GATE[check.gate]
    lead: Part = ("  ", "dim") if check.gate is Gate.PASS else (f"{glyph} ", role)
    line = row(
        lead,
        (fit(short_name(check), labels), "dim"),
        "  ",
        (short_evidence(check), "text" if check.gate is Gate.PASS else role),
    )
    if check.gate is Gate.PASS or not advise or not check.advice:
        return [cut(line, width)]
    return [
        cut(line, width),
        *(row((" " * (labels + 4) + part, "dim")) for part in wrap(check.advice, width - labels - 4)[:2]),
    ]


# what is next --------------------------------------------------------------------------
def next_rows(home: Home, width: int) -> list[Row]:
    """What is known to come: who watches, and what the release under watch still has to prove."""
    ways = list(home.scene.ways.values()) or ([home.scene.readiness] if home.scene.readiness else [])
    about = {way.service: f"{way.service} " if len(ways) > 1 else "" for way in ways}
    keeper = home.scene.keeper
    rows = [line for way in ways for pin in way.pins for line in pin_rows(pin, width, about[way.service])]
    if keeper is not None:
        rows += doubt_rows(home, "keeper", width)
    if keeper is None:
        rows.append(row(("watcher   ", "dim"), *unheard(home, "keeper", "not looked at yet")))
    elif keeper.alive:
        age = ago(since(keeper.since, home.now))
        rows.append(row(("watcher   ", "dim"), f"watches for {age}", (f"  on {keeper.host or 'this host'}", "dim")))
    else:
        start = (("  ", "text"), (home.keeper_key, "key"), (" starts", "dim")) if home.keeper_key else ()
        rows.append(row(("watcher   ", "dim"), (f"{WARN} not running", "warn"), *start))
        rows.append(row((" " * 10 + "unwatched once you leave", "dim")))
    proving = [one.current for one in ways if one.current is not None and one.current.verdict.value != "good"]
    for current in sorted(proving, key=lambda one: one.verdict.value)[:2]:
        bad, named = current.verdict.value == "bad", f"{current.service} " if len(ways) > 1 else ""
        words = f"{current.version} is bad" if bad else f"{current.version} soaking, {ago(current.soaked_seconds)}"
        rows.append(row(("release   ", "dim"), (named + words, "down" if bad else "text")))
    if home.scene.unwatched:
        rows.append(row(("release   ", "dim"), (f"{WARN} not watched", "warn"), (f"  {home.scene.unwatched}", "dim")))
    if home.scene.drill is not None:
        rows.append(row(("drill     ", "dim"), (f"{home.scene.drill.scenario} is under way", "warn")))
    rows.append(row(("schedule  ", "dim"), ("none is kept here", "dim")))
    return [cut(line, width) for line in rows]


# the line above the keys --------------------------------------------------------------------------
def run_line(home: Home, width: int) -> Row:
    """What runs now and what ran last."""
    scene = home.scene
    if not scene.asked:
        return row(("RUNNING ", "head"), *unheard(home, "runs", "not looked at yet"))
    doubt = doubt_rows(home, "runs", width - 30)
    if scene.active is not None:
        return cut(_running(scene.active, home) + (BLANK if not doubt else row("   ") + doubt[0]), width)
    if doubt:
        return cut(row(("RUNNING ", "head"), ("not known", "warn"), "   ") + doubt[0], width)
    line = row(("RUNNING ", "head"), "nothing")
    if scene.last is None:
        return line + row(("     LAST ", "head"), ("no run on record", "dim"))
    run = scene.last
    glyph, role = RUN[run.state]
    letter = home.letters.get(f"run {run.id}")
    jump: tuple[Part, ...] = ((letter, "badge"), " ") if letter else ()
    line += row("     ", *jump, ("LAST ", "head"), (route(run), "bright"))
    line += row((f"  {took(run.seconds)}", "dim"), (f"  {glyph} {run.state.value}", role))
    return cut(line + row((f"  {ago(since(run.ended_at or run.created_at, home.now))} ago", "dim")), width)


def _running(run: Run, home: Home) -> Row:
    glyph, role = RUN[run.state]
    line = row(("RUNNING ", "head"), (f"{glyph} ", role), (f"{route(run)}  ", "bright bold"))
    view = home.scene.active_view
    if run.state.value == "needs-operator":
        line += row(("needs an operator", "down bold"))
    elif view is not None and view.current is not None:
        line += row(
            ("step ", "dim"), f"{view.current.step.id} of {len(view.steps)}", (f" {view.current.step.title}", "text")
        )
    else:
        line += row((run.state.value, role))
    return line + row((f"  {face(since(run.started_at, home.now))}", "dim"), ("  by ", "dim"), run.operator)


def route(run: Run) -> str:
    """`rollback 2.3.9 → 2.3.8`."""
    return f"{run.procedure} {run.from_version or '?'} {ARROW} {run.to_version or '?'}"
