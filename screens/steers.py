"""What may be told a run in the state it is in: by the rules of the desk, so that no key only leads to a refusal."""

from datetime import datetime

from actions.model.run import Executor, Run, RunView
from actions.model.words import RunState
from screens.desk_protocol import Viewer
from screens.run_rows import GONE, STUCK

GOING = frozenset({RunState.RUNNING, RunState.PAUSED, RunState.QUEUED})
START_SECONDS = 10.0
"""An executor takes a moment to start; one that has not come by then is missed."""


def starting(run: Run, executor: Executor | None, now: datetime) -> bool:
    """Whether the run was asked for a moment ago, so that its executor is on its way."""
    gone = executor is None or executor.state in GONE
    return run.state is RunState.QUEUED and gone and (now - run.created_at).total_seconds() < START_SECONDS


async def carried_out(desk: Viewer, active: Run | None) -> Run | None:
    """The rollback that somebody carries out already; what nobody does, or stands still, another may supersede."""
    if active is None or active.procedure != "rollback" or active.state is RunState.NEEDS_OPERATOR:
        return None
    return None if (await desk.executor(active.id)).state in GONE else active


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
