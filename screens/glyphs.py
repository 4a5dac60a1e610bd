"""Single-width glyphs and their ASCII stand-ins: a state is glyph + word + colour, never colour alone (rule 7)."""

from actions.model.words import Gate, HealthState, RunState, StepState, Verdict

OK = "●"
WARN = "▲"
DOWN = "✗"
UNKNOWN = "?"
RUNNING = "►"
PENDING = "·"
UNDONE = "↺"
SKIPPED = "–"
PAUSED = "‖"
POINTER = "›"
ARROW = "→"
MORE = "…"
HAIR = "─"
BAR = "━"
MARK = "╋"
HATCH = "╱"
BLOCKS = "▁▂▃▄▅▆▇█"

HEALTH: dict[HealthState, tuple[str, str]] = {
    HealthState.OK: (OK, "ok"),
    HealthState.DEGRADED: (WARN, "warn"),
    HealthState.DOWN: (DOWN, "down"),
    HealthState.UNKNOWN: (UNKNOWN, "unknown"),
}
GATE: dict[Gate, tuple[str, str]] = {
    Gate.PASS: (OK, "ok"),
    Gate.FAIL: (DOWN, "down"),
    Gate.INCONCLUSIVE: (UNKNOWN, "warn"),
}
STEP: dict[StepState, tuple[str, str]] = {
    StepState.PENDING: (PENDING, "faint"),
    StepState.RUNNING: (RUNNING, "run"),
    StepState.DONE: (OK, "ok"),
    StepState.FAILED: (DOWN, "down"),
    StepState.SKIPPED: (SKIPPED, "dim"),
    StepState.UNDONE: (UNDONE, "warn"),
    StepState.UNKNOWN: (UNKNOWN, "down"),
}
RUN: dict[RunState, tuple[str, str]] = {
    RunState.QUEUED: (PENDING, "run"),
    RunState.RUNNING: (RUNNING, "run"),
    RunState.PAUSED: (PAUSED, "warn"),
    RunState.UNDOING: (UNDONE, "warn"),
    RunState.SUCCEEDED: (OK, "ok"),
    RunState.FAILED: (DOWN, "down"),
    RunState.UNDONE: (UNDONE, "warn"),
    RunState.ABORTED: (SKIPPED, "dim"),
    RunState.NEEDS_OPERATOR: (DOWN, "down"),
}
VERDICT: dict[Verdict, tuple[str, str]] = {
    Verdict.CANDIDATE: (UNKNOWN, "warn"),
    Verdict.GOOD: (OK, "ok"),
    Verdict.BAD: (DOWN, "down"),
}
BANDS = {"red": "■", "amber": "▲", "green": "●", "blue": "◇", "violet": "◈", "grey": "□"}
DRILL = "◆"

_ASCII = {
    OK: "+", WARN: "!", DOWN: "X", RUNNING: ">", PENDING: ".", UNDONE: "u", SKIPPED: "-", PAUSED: "=", POINTER: ">",
    ARROW: ">", MORE: "~", HAIR: "-", BAR: "=", MARK: "|", HATCH: "/", "╭": "+", "╮": "+", "╰": "+", "╯": "+",
    "│": "|", "■": "#", "◇": "o", "◈": "@", "□": "=", "◆": "*", "×": "x", "−": "-", "—": "-", "▏": "|",
    **dict(zip(BLOCKS, "_.-:=+*#", strict=True)),
}  # fmt: skip
OURS = frozenset(_ASCII)
"""Glyphs of this console: known to be one column wide."""


def to_ascii(text: str) -> str:
    """`text` with one ASCII character for each column it takes: alignment survives.

    An arrow takes the column of the blank behind it as well: `2.4.1 ->2.4.0` reads as one, `2.4.1 > 2.4.0` as "more".
    """
    if text.isascii():
        return text
    from rich.cells import cell_len

    text = text.replace(f"{ARROW} ", "->")

    return "".join(
        char if char.isascii() else _ASCII.get(char, "?" * max(1, cell_len(char)) if cell_len(char) else "")
        for char in text
    )
