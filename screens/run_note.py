"""The line above the keys of a run: what holds it up, and the key that changes it. Pure."""

from collections.abc import Iterable, Mapping

from actions.model.run import Executor, Run
from actions.model.words import RunState
from screens.cells import Row, row
from screens.keymap import shown
from screens.run_rows import GONE, STUCK


def usual_seconds(run: Run, past: Iterable[Run]) -> float | None:
    """The median of what other runs of this service took; None where none was measured."""
    took = sorted(
        one.seconds for one in past if one.seconds is not None and one.service == run.service and one.id != run.id
    )
    return took[len(took) // 2] if took else None


def note_row(run: Run, executor: Executor | None, keys: Mapping[str, str], *, starting: bool) -> Row:
    """What holds the run up, and the key that changes it; else its reason."""
    on, close, end = (shown(keys[one]) for one in ("run.carry-on", "run.close", "run.end-executor"))
    if run.state is RunState.PAUSED:
        return row(("‖ paused before its next step", "warn"), ("; nothing is under way", "dim"))
    if run.state is RunState.NEEDS_OPERATOR:
        ways = f"; {on} carries on, {close} closes it as put right; {shown(keys['list.page-down'])} shows more"
        return row(("✗ needs an operator", "down bold"), (ways, "dim"))
    if starting:
        return row(("its executor starts", "dim"))
    if executor is None or run.state.terminal or executor.state not in GONE | STUCK:
        return row((run.reason, "dim"))
    way = f"{on} carries on" if executor.state in GONE else f"{end} ends it and carries on   {executor.detail}"
    return row((f"▲ its executor is {executor.state}", "warn"), (f"; {way}", "dim"))
