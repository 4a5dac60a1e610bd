"""The rows of the rollback screens: size up, what moves, what it takes, what was checked. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from rich.cells import cell_len

from actions.model.health import Check, ServiceHealth, Snapshot
from actions.model.identity import short_id
from actions.model.plan import Plan, Readiness, Release, RollbackOffer
from actions.model.run import Run
from actions.model.words import Gate
from screens.cells import BLANK, Part, Row, cut, ends, field, fit, indent, row, safe, wrap
from screens.drift_rows import drift_row
from screens.figures import nothing_against
from screens.glyphs import GATE, HAIR
from screens.spark import spark
from screens.words import NOWHERE, about, ago, face, nowhere, short_evidence, short_name, since

LABEL = 9
OLD_SECONDS = 15.0
FRAME = "╭", "╮", "╰", "╯", "│"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rollback screen is drawn from."""

    offer: RollbackOffer | None
    readiness: Readiness | None
    snapshot: Snapshot | None
    now: datetime
    reason: str
    keys: dict[str, str]
    unread: str = ""
    first: str = ""
    accepted: bool = False

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every condition, as last looked at."""
        readiness = self.offer.readiness if self.offer else self.readiness
        return readiness.checks if readiness else ()


def fitting_rows(decision: Decision, width: int, height: int) -> list[Row]:
    """The evidence within `height` rows: in a low window passing checks stand in two columns, as far as their words
    fit, then rows that only separate go, then the advice, then checks, counted: the question below and the reason are
    always on the screen."""
    rows = evidence_rows(decision, width)
    if len(rows) > height:
        rows = evidence_rows(decision, width, compact=True)
    rows = _closer(rows, height)
    if len(rows) > height:
        rows = _closer(evidence_rows(decision, width, compact=True, advice=False), height)
    checks = decision.checks
    for shown in range(len(checks) - 1, -1, -1):
        if len(rows) <= height:
            break
        rows = _closer(evidence_rows(decision, width, compact=True, advice=False, most=shown), height)
    return rows if len(rows) <= height else [*rows[: height - 1], rows[-1]]


def _closer(rows: list[Row], height: int) -> list[Row]:
    """As many rows that only separate as fit."""
    kept, spare = list(rows), len(rows) - height
    while spare > 0 and BLANK in kept:
        kept.remove(BLANK)
        spare -= 1
    return kept


def doubts(checks: Sequence[Check]) -> list[Check]:
    """The checks that do not pass, those that fail first."""
    return sorted((check for check in checks if check.gate is not Gate.PASS), key=lambda one: one.gate is not Gate.FAIL)


def evidence_rows(
    decision: Decision, width: int, *, compact: bool = False, advice: bool = True, most: int | None = None
) -> list[Row]:
    """Where it stands, where it would go, what moves, what stays, how long, and every condition; or the first `most`
    of them, the doubtful before the good, and how many more."""
    offer, plan = decision.offer, decision.offer.plan if decision.offer else None
    readiness = offer.readiness if offer else decision.readiness
    rows = [
        *from_rows(decision, readiness, plan, width),
        to_row(readiness, plan, decision.keys.get("other", ""), width),
    ]
    rows += [BLANK, row((HAIR * width, "hair"))]
    if plan is not None:
        rows += [cut(field("first", (decision.first, "warn"), width=LABEL), width)] if decision.first else []
        rows += [drift_row(plan, LABEL, width)] if decision.accepted else []
        rows += [
            _list("moves", plan.moves, width),
            _list("keeps", plan.keeps, width),
            cut(takes_row(plan, readiness), width),
            BLANK,
        ]
    rows += doubt_rows(decision, readiness, width)
    checks = (*doubts(decision.checks), *(check for check in decision.checks if check.gate is Gate.PASS))
    shown, hidden = checks[:most], checks[most:] if most is not None else ()
    rows += check_grid(shown, width, compact=compact, advice=advice) if shown or not hidden else []
    rows += [indent([cut(_more(hidden, decision.keys.get("plan", "")), width - LABEL)], LABEL)[0]] if hidden else []
    rows += [BLANK, *reason_rows(decision, width)]
    return rows


def doubt_rows(decision: Decision, readiness: Readiness | None, width: int) -> list[Row]:
    """How old the checks are, where they are old or could not be made again."""
    age = since(readiness.at, decision.now) if readiness else None
    if age is None or (age <= OLD_SECONDS and not decision.unread):
        return []
    return [
        cut(row((f"? as of {ago(age)} ago", "warn"), (f"  {decision.unread or 'not looked at since'}", "dim")), width)
    ]


def from_rows(decision: Decision, readiness: Readiness | None, plan: Plan | None, width: int) -> list[Row]:
    """What serves now, with the evidence against it and the error rate's recent past."""
    current = plan.from_version if plan else readiness.current.version if readiness and readiness.current else None
    service = plan.service if plan else readiness.service if readiness else ""
    evidence = decision.offer.evidence if decision.offer else ""
    note = decision.offer.note if decision.offer else ""
    name = current or "not known"
    words: list[Part] = [(fit(name, min(24, max(8, cell_len(name)))), "down bold"), "  "]
    began = decision.offer.trouble_since if decision.offer else None
    if evidence:
        words += [
            evidence,
            (f"   since {began:%H:%M}, {ago(since(began, decision.now))}" if began else "", "dim"),
        ]
    elif note:
        words.append((note, "warn"))
    else:
        health = decision.snapshot.service(service) if decision.snapshot else None
        words.append(nothing_against(health, service, decision.now) if decision.offer else "")
    rows = [cut(field("from", *words, width=LABEL), width)]
    health = decision.snapshot.service(service) if decision.snapshot else None
    if health is not None and any(health.errors):
        beside: Part = (f"  {note}", "warn") if evidence and note else ("  error rate, newest at the right", "dim")
        rows.append(cut(field("", *error_plot(health, 27), beside, width=LABEL), width))
    else:
        rows.append(BLANK)
    return rows


def error_plot(health: ServiceHealth, width: int) -> list[Part]:
    """The error rate's recent past: what was within its limit in another colour than what was not."""
    figure = health.figure("error rate")
    limit = figure.limit if figure is not None and figure.limit is not None else 0.01
    values = health.errors[-width:]
    blocks = spark(values, len(values), zero=True)
    pairs = ((block, "down" if (value or 0) > limit else "ok") for block, value in zip(blocks, values, strict=True))
    return [("".join(block for block, _ in run), role) for role, run in groupby(pairs, key=lambda pair: pair[1])]


def to_row(readiness: Readiness | None, plan: Plan | None, other_key: str, width: int) -> Row:
    """The release it goes to, and why that one."""
    release = readiness.to if readiness else None
    nothing = "not known" if readiness is None or nowhere(readiness) != NOWHERE else "nothing"
    version = plan.to_version if plan else release.version if release else nothing
    known = release is not None and release.version == version
    words = (
        f"last known good, soaked {ago(release.soaked_seconds)}"
        if release and known
        else "chosen by hand"
        if plan
        else ""
    )
    left = field(
        "to",
        (fit(version, min(24, max(8, cell_len(version)))), "ok bold" if plan else "down bold"),
        "  ",
        words,
        width=LABEL,
    )
    return ends(left, row((other_key, "key"), (" other version" if other_key else "", "dim")), width)


def _list(label: str, items: Sequence[str], width: int) -> Row:
    return cut(field(label, "    ".join(items) if items else "nothing", width=LABEL), width)


def takes_row(plan: Plan, readiness: Readiness | None) -> Row:
    """The estimate with what it rests on, and the budget."""
    past = "from the plan; no such run on record"
    if readiness is not None and readiness.samples and readiness.fastest is not None and readiness.slowest is not None:
        spread = dict.fromkeys((about(readiness.fastest), about(readiness.slowest)))
        past = f"last {readiness.samples}: {' to '.join(spread)}"
    return field(
        "takes", (f"about {about(plan.expected_seconds)}", "bright bold"), (f"   {past}", "dim"),
        (f"      budget {about(plan.budget_seconds)}", "dim"), width=LABEL,
    )  # fmt: skip


def _more(hidden: Sequence[Check], key: str) -> Row:
    """What there is no room for."""
    words = {Gate.FAIL: "failed", Gate.INCONCLUSIVE: "not sure", Gate.PASS: "good"}
    counted = [(gate, sum(check.gate is gate for check in hidden)) for gate in words]
    line = "and " + ", ".join(f"{count} more {words[gate]}" for gate, count in counted if count)
    return row((line, "warn" if doubts(hidden) else "dim"), (f"; {key} shows them" if key else "", "dim"))


def check_grid(checks: Sequence[Check], width: int, *, compact: bool = False, advice: bool = True) -> list[Row]:
    """Passing checks in a grid, in two columns with short names where `compact`; the others first, with what to do."""
    if not checks:
        return [field("checks", ("not made yet", "dim"), width=LABEL)]
    bad = doubts(checks)
    good = [check for check in checks if check.gate is Gate.PASS]
    lines: list[Row] = []
    for check in bad:
        glyph, role = GATE[check.gate]
        lines.append(row((f"{glyph} {check.title}  ", role), check.evidence))
        if advice:
            lines += [row(("  " + line, "dim")) for line in wrap(check.advice, width - LABEL - 2)[:2] if line]
    said = [_short(check) if compact else _words(check) for check in good]
    longest = max((cell_len(words) for words in said), default=0)
    columns = 2 if compact else max(1, min(3, (width - LABEL) // (longest + 3)))
    cell = (width - LABEL) // columns
    for start in range(0, len(said), columns):
        line = Row()
        for words in said[start : start + columns]:
            line += row((GATE[Gate.PASS][0], "ok"), (fit(f" {words}", cell - 2), "text"), " ")
        lines.append(line)
    first, *rest = lines
    return [cut(line, width) for line in (field("checks", width=LABEL) + first, *indent(rest, LABEL))]


def _short(check: Check) -> str:
    return f"{fit(short_name(check), 9)} {safe(short_evidence(check))}".rstrip()


def _words(check: Check) -> str:
    return safe(f"{check.title} {check.evidence}".strip())


def reason_rows(decision: Decision, width: int) -> list[Row]:
    """The reason that goes into the record."""
    key = decision.keys.get("reason", "")
    tail = row((key, "key"), (" write another" if key else "", "dim"))
    reason = (decision.reason, "bright") if decision.reason else ("none yet: write one", "warn")
    return [ends(field("reason", reason, width=LABEL), tail, width)]


def framed(line: Row, width: int) -> list[Row]:
    """The decision in its frame, centred."""
    inner = max(line.width + 8, 42)
    left = max(0, (width - inner - 2) // 2)
    pad = inner - line.width
    top, right, bottom, corner, side = FRAME
    return indent(
        (
            row((top + HAIR * inner + right, "frame")),
            row((side, "frame"), " " * (pad // 2)) + line + row(" " * (pad - pad // 2), (side, "frame")),
            row((bottom + HAIR * inner + corner, "frame")),
        ),
        left,
    )


def waiting_rows(run: Run | None, seconds: float, deadline: float, width: int) -> list[Row]:
    """What is waited for since it was asked for, and what happens at the deadline (rule 9)."""
    if run is None:
        return framed(row(("asked for; waiting for the run to appear  ", "bright"), (face(seconds), "dim")), width)
    who = f"{run.procedure} {short_id(run.id)[-3:]} of {run.operator}"
    head = row((f"waiting for {who} to back out  ", "bright"), (f"{face(seconds)} of {face(deadline)}", "bright bold"))
    advice = f"told to leave when this was asked for; {run.state.value} now. At the deadline this gives up and says so."
    return [*framed(head, width), *indent([row((line, "dim")) for line in wrap(advice, width - 8)], 4)]


def attach_rows(run: Run, key: str, width: int) -> list[Row]:
    """A rollback is carried out already: there is nothing to start, only to attach to."""
    words = f" attaches to run {short_id(run.id)} of {run.operator}, which rolls back {run.service}"
    return framed(cut(row((key, "key"), (words, "bright bold")), width - 12), width)


def refusal_rows(words: str, advice: str, width: int, way_out: str = "") -> list[Row]:
    """Why there is nothing to confirm, and the way out, where there is one."""
    rows = [
        row(("✗ ", "down"), (line, "down")) if i == 0 else row("  ", (line, "down"))
        for i, line in enumerate(wrap(words, width - 4))
    ]
    out = (row("  ", (line, "bright")) for line in wrap(way_out, width - 4) if line)
    return indent([*rows, *out, *(row("  ", (line, "dim")) for line in wrap(advice, width - 4))], 2)


def release_words(release: Release) -> str:
    """How a release earned its verdict."""
    if release.verdict_reason:
        return release.verdict_reason
    if release.soaked_seconds:
        return f"soaked {ago(release.soaked_seconds)} under health, {release.samples} samples"
    return f"{release.samples} samples, {release.failures} failed" if release.samples else "not watched yet"
