"""The line above the keys of a run: what holds it up, and the key that changes it. Pure."""

from collections.abc import Iterable, Mapping

from actions.model.run import Executor, Run
from actions.model.words import RunState
from screens.cells import Row, row
from screens.glyphs import RUN
from screens.run_rows import GONE, STUCK

_SHORT_OF_IT = frozenset({RunState.FAILED, RunState.UNDONE, RunState.ABORTED})
"""Ends of a run after which one has to decide anew."""


def usual_seconds(run: Run, past: Iterable[Run]) -> float | None:
    """The median of what other runs of this service took; None where none was measured."""
    took = sorted(
        one.seconds for one in past if one.seconds is not None and one.service == run.service and one.id != run.id
    )
    return took[len(took) // 2] if took else None


def note_row(run: Run, executor: Executor | None, keys: Mapping[str, str], *, starting: bool) -> Row:
    """What holds the run up, or that it did not get there, and the keys that help; else its reason.

    `keys` are those that work now, by the ids of their actions, as they are written on the screen.
    """
    if run.state is RunState.PAUSED:
        return row(("‖ paused before its next step", "warn"), ("; nothing is under way", "dim"))
    if run.state is RunState.NEEDS_OPERATOR:
        more = _ways(keys, {"list.page-down": "shows more"})
        ways = _ways(keys, {"run.carry-on": "carries on", "run.close": "closes it as put right"})
        return row(("✗ needs an operator", "down bold"), (ways + more, "dim"))
    if run.state in _SHORT_OF_IT:
        glyph, role = RUN[run.state]
        ways = _ways(keys, {"all.roll-back": "looks again and plans anew", "list.open": "shows all of this run"})
        return row((f"{glyph} {run.state.value}", f"{role} bold"), (ways, "dim"))
    if starting:
        return row(("its executor starts", "dim"))
    if executor is None or run.state.terminal or executor.state not in GONE | STUCK:
        return row((run.reason, "dim"))
    way = {"run.carry-on": "carries on"} if executor.state in GONE else {"run.end-executor": "ends it and carries on"}
    detail = f"   {executor.detail}" if executor.state in STUCK else ""
    return row((f"▲ its executor is {executor.state}", "warn"), (_ways(keys, way) + detail, "dim"))


def _ways(keys: Mapping[str, str], verbs: Mapping[str, str]) -> str:
    """What leads on from here, by the keys that work."""
    ways = ", ".join(f"{keys[action]} {verb}" for action, verb in verbs.items() if action in keys)
    return f"; {ways}" if ways else ""
