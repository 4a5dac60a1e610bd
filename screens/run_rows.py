"""The rows of a run: how far, which step with what evidence, what users feel now, and the journal. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from actions.model.health import Snapshot
from actions.model.record import GateRow
from actions.model.run import Event, EventKind, Executor, RunView, StepView
from actions.model.words import RunState, StepState
from screens.cells import BLANK, Part, Row, cut, fit, indent, row, title, wrap
from screens.figures import cost_row, health_row, measured
from screens.glyphs import ARROW, BAR, HAIR, MARK, RUN, STEP
from screens.words import about, ago, face, moment, since, took

MARGIN = 2
GONE = frozenset({"dead", "none"})
STUCK = frozenset({"stopped", "slow"})
"""States of an executor in which nobody carries the run on: another may be started, or has to take its place."""


@dataclass(frozen=True, slots=True)
class Live:
    """What a run screen is drawn from."""

    view: RunView
    executor: Executor | None
    snapshot: Snapshot | None
    now: datetime
    usual: float | None = None
    gate: GateRow | None = None
    top: int = 0
    lost: datetime | None = None
    problem: str = ""

    @property
    def as_of(self) -> datetime:
        """The time up to which the journal is known."""
        return self.lost or self.now


def run_rows(live: Live, width: int, height: int) -> list[Row]:
    """The whole page: time, steps, then what matters most in this state, then the end of the journal."""
    inner = width - 2 * MARGIN
    rows = [BLANK, timeline(live, inner), doubt_row(live, inner)]
    middle = ending(live, inner)
    stuck = live.view.run.state is RunState.NEEDS_OPERATOR
    reserve = min(len(middle) + 5, 13 if stuck else 9)
    rows += [*_window(step_rows(live, inner), max(3, height - len(rows) - reserve), _current(live.view)), BLANK]
    room = height - len(rows)
    if stuck and len(middle) > room - 4:
        newest_first = reversed(journal_rows(live.view.events, inner, live.now))
        after = [*middle, title("JOURNAL, NEWEST FIRST", inner), *newest_first]
        start = max(0, min(live.top, len(after) - room))
        return [*indent(rows, MARGIN), *indent(after[start : start + room], MARGIN)]
    journal = journal_rows(live.view.events, inner, live.now)
    end = max(min(len(journal), room), len(journal) - live.top)
    shown = journal[max(0, end - (room - len(middle) - 1)) : end]
    return [*indent([*rows, *middle, title("JOURNAL", inner), *shown], MARGIN)][:height]


def ending(live: Live, width: int) -> list[Row]:
    """Under the steps: a question, what a person must do, or the figures."""
    rows: list[Row] = []
    state = live.view.run.state
    if live.gate is not None:
        rows += gate_rows(live.gate, width)
    if state is RunState.NEEDS_OPERATOR:
        rows += manual_rows(live.view, width)
    over = state.terminal and state is not RunState.NEEDS_OPERATOR
    return [*rows, *(outcome_rows(live, width) if over else now_rows(live, width)), BLANK]


# how far --------------------------------------------------------------------------
def elapsed(live: Live) -> float | None:
    """Seconds since the run started, or that it took."""
    run = live.view.run
    return run.seconds if run.seconds is not None else since(run.started_at, run.ended_at or live.as_of)


def doubt_row(live: Live, width: int) -> Row:
    """How old everything about the run is, while its journal cannot be read; what it did since is not known."""
    if live.lost is None:
        return BLANK
    age = ago(since(live.lost, live.now))
    return cut(row((f"? as of {age} ago, since then not known", "warn"), (f"  {live.problem}", "dim")), width)


def timeline(live: Live, width: int) -> Row:
    """`00:07 of 01:00 ━━━━╋───── usual 11 s`: time used of the budget, with a mark where such runs usually end."""
    budget, seconds = live.view.plan.budget_seconds, elapsed(live) or 0.0
    late = seconds > budget
    over = live.view.run.state.terminal and live.view.run.state is not RunState.NEEDS_OPERATOR
    shown = face(round(seconds)) if over else face(seconds)  # rounded as the outcome is, which stands below
    head = row((shown, "down bold" if late else "bright bold"), (f" of {face(budget)}  ", "dim"))
    none = "  no other run like it on record" if over else "  no run like it on record"
    tail = row((f"  usual {about(live.usual)}" if live.usual else none, "dim"))
    room = max(10, width - head.width - tail.width)
    if over:
        return head + row((BAR * room, RUN[live.view.run.state][1])) + tail
    used = min(room, round(room * seconds / budget))
    bar: list[Part] = [(BAR * used, "down" if late else "ok"), (HAIR * (room - used), "faint")]
    if live.usual and live.usual <= budget:
        mark = min(room - 1, round(room * live.usual / budget))
        bar = [(BAR * min(used, mark), "ok"), (HAIR * max(0, mark - used), "faint"), (MARK, "warn")]
        bar += [
            (BAR * max(0, used - mark - 1), "down" if late else "ok"),
            (HAIR * (room - max(used, mark + 1)), "faint"),
        ]
    return head + row(*bar) + tail


# steps --------------------------------------------------------------------------
def step_rows(live: Live, width: int) -> list[Row]:
    """One line a step: state, number, title, seconds, evidence."""
    titles = min(28, max((len(one.step.title) for one in live.view.steps), default=10))
    rows = []
    for one in live.view.steps:
        glyph, role = STEP[one.state]
        running = one.state is StepState.RUNNING
        pending = one.state is StepState.PENDING
        seconds = since(one.started_at, live.as_of) if running else one.seconds
        name = "bright bold" if running else "dim" if pending else "text"
        line = row((f"{glyph} ", role), (f"{one.step.id:<3}", "dim"), (fit(one.step.title, titles), name))
        line += row(
            (fit("" if pending or seconds is None else took(seconds), 9, right=True), "dim"), "  ", *_evidence(one)
        )
        rows.append(cut(line, width))
    return rows


def _evidence(one: StepView) -> list[Part]:
    words = {
        StepState.UNDONE: "undone: ",
        StepState.SKIPPED: "skipped: ",
        StepState.UNKNOWN: "not known: ",
        StepState.FAILED: "failed: ",
    }
    parts: list[Part] = [(words[one.state], STEP[one.state][1])] if one.state in words else []
    parts.append((one.text, "down" if one.state is StepState.FAILED else "text"))
    if one.recovered:
        parts.append(("  found done after a restart", "dim"))
    return parts if one.state is not StepState.PENDING else []


def _current(view: RunView) -> int:
    states = [one.state for one in view.steps]
    return next(
        (i for i, state in enumerate(states) if state in (StepState.RUNNING, StepState.FAILED)), len(states) - 1
    )


def _window(rows: list[Row], room: int, current: int) -> list[Row]:
    if len(rows) <= room:
        return rows
    start = max(0, min(current - room + 2, len(rows) - room))
    return rows[start : start + room]


# what users feel --------------------------------------------------------------------------
def now_rows(live: Live, width: int) -> list[Row]:
    """Health of the service that is moved, and what the run has cost so far as measured."""
    rows = [title("NOW", width)]
    health = live.snapshot.service(live.view.run.service) if live.snapshot else None
    if health is None:
        rows.append(row(("? ", "unknown"), live.view.run.service, ("  no data", "dim")))
    else:
        rows.append(cut(health_row(health, live.now), width))
    rows.append(cut(cost_row(measured(live.view), "so far"), width))
    return rows


def outcome_rows(live: Live, width: int) -> list[Row]:
    """How it ended, and what it cost."""
    run = live.view.run
    glyph, role = RUN[run.state]
    figures = measured(live.view)
    rows = [title("OUTCOME", width)]
    line = row((f"{glyph} {run.state.value}", f"{role} bold"), (" in ", "dim"), (took(elapsed(live)), "bright bold"))
    if run.seconds is not None:
        over = run.seconds > live.view.plan.budget_seconds
        line += row(
            (
                f"   {'over' if over else 'inside'} the budget of {about(live.view.plan.budget_seconds)}",
                "warn" if over else "dim",
            )
        )
    users = figures.get("users_affected")
    line += row((f"   users affected {users}" if isinstance(users, int) else "", "dim"))
    return [*rows, cut(line, width), cut(cost_row(figures, ""), width)]


# a person is needed --------------------------------------------------------------------------
def manual_rows(view: RunView, width: int) -> list[Row]:
    """Exactly what to do by hand, in order."""
    rows = [title("DO THIS NOW, BY HAND", width)]
    if not view.manual:
        rows.append(row(("the run stopped and left no steps; its journal below says where", "warn")))
    for number_, step in enumerate(view.manual, 1):
        lines = wrap(step, width - 4)
        rows.append(row((f"{number_}   ", "warn bold"), (lines[0], "bright")))
        rows += [row("    ", (line, "bright")) for line in lines[1:]]
    return [*rows, BLANK]


def gate_rows(gate: GateRow, width: int) -> list[Row]:
    """The question the run waits with."""
    rows = [title("THIS RUN ASKS", width), *(row((line, "bright")) for line in wrap(gate.question, width))]
    choices: list[Part] = []
    for at, choice in enumerate(gate.choices, 1):
        choices += [(f"{at}", "key"), (f" {choice}   ", "text")]
    return [*rows, row(*choices), BLANK]


# journal --------------------------------------------------------------------------
def journal_rows(events: Sequence[Event], width: int, now: datetime) -> list[Row]:
    """Every line of the journal, oldest first; figures have their place above."""
    shown = [event for event in events if event.kind is not EventKind.MEASURED]
    return [cut(event_row(event, now), width) for event in shown]


def event_row(event: Event, now: datetime) -> Row:
    """One line of the journal."""
    at = (
        f"{event.at:%H:%M:%S}.{event.at.microsecond // 100_000}"
        if event.at.date() == now.date()
        else moment(event.at, now)
    )
    role = {
        EventKind.FAILED: "down",
        EventKind.UNDO_FAILED: "down",
        EventKind.MANUAL: "warn",
        EventKind.COMMANDED: "run",
    }
    step = f"{event.step}" if event.step is not None else ""
    return row(
        (f"{at}  ", "dim"),
        (fit(event.kind.value, 14), role.get(event.kind, "text")),
        (fit(step, 3), "dim"),
        event_text(event),
    )


def event_text(event: Event) -> str:
    """The words of an event's body."""
    body = event.body
    if event.kind is EventKind.STATE:
        reason = f"   {body['reason']}" if body.get("reason") else ""
        return f"{body.get('from')} {ARROW} {body.get('to')}{reason}"
    for key in ("text", "error", "reason", "question", "evidence", "title", "point", "command"):
        if isinstance(body.get(key), str) and body[key]:
            run, _, step = str(body.get("key", "")).rpartition(".")
            return f"{body[key]}  key {run[-3:]}.{step}" if run else str(body[key])
    if isinstance(steps := body.get("steps"), list):
        return f"{len(steps)} steps for a person"
    pairs = (f"{key} {value}" for key, value in body.items() if isinstance(value, str | int | float))
    return "  ".join(pairs)
