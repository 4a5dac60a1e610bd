"""What may be told a run in the state it is in: by the rules of the desk, so that no key only leads to a refusal."""

from actions.model.run import Executor, RunView
from actions.model.words import RunState
from screens.run_rows import GONE, STUCK

GOING = frozenset({RunState.RUNNING, RunState.PAUSED, RunState.QUEUED})


def steers(action_id: str, view: RunView, executor: Executor | None, *, starting: bool) -> bool:
    """Whether this action makes sense now; `starting` while the executor of a new run is on its way."""
    state = view.run.state
    match action_id:
        case "run.pause":
            return state in GOING
        case "run.back-out":
            return state in (RunState.RUNNING, RunState.PAUSED, RunState.NEEDS_OPERATOR)
        case "run.abort":
            return state in GOING and not any(one.step.changes and one.attempt for one in view.steps)
        case "run.carry-on":
            gone = executor is not None and executor.state in GONE and not starting
            return state is RunState.NEEDS_OPERATOR or gone
        case "run.end-executor":
            return executor is not None and executor.state in STUCK
        case "run.close":
            return state is RunState.NEEDS_OPERATOR
    return True
