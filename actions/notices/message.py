"""What a notice says: pure, from a run's view alone. Versions, figures and ids, never a secret (K3)."""

from pydantic import JsonValue

from actions.model.identity import short_id
from actions.model.run import RunView
from actions.model.words import RunState


def text_of(view: RunView) -> str:
    """The one line people read in the channel."""
    run = view.run
    word = "needs a person" if run.state is RunState.NEEDS_OPERATOR else str(run.state)
    drill = "DRILL: " if run.drill else ""
    took = f" in {run.seconds:.1f} s" if run.seconds is not None else ""
    what = f"{run.procedure} of {run.service} {run.from_version} to {run.to_version}"
    head = f"{drill}{run.environment}: {what} {word}{took}"
    downtime, failed = run.metrics.get("downtime_seconds"), run.metrics.get("failed_requests")
    measured = [
        f"downtime {downtime:.1f} s" if isinstance(downtime, int | float) else "",
        f"failed requests {failed}" if failed is not None else "",
        f"by {run.operator}",
        f"reason: {run.reason}" if run.reason else "",
        f"run {short_id(run.id)}",
    ]
    manual = f". To do now: {view.manual[0]}" if view.manual and run.state is RunState.NEEDS_OPERATOR else ""
    return f"{head} ({', '.join(part for part in measured if part)}){manual}"


def body_of(view: RunView) -> dict[str, JsonValue]:
    """The facts behind the line, for machines."""
    run = view.run.model_dump(mode="json")
    named = ("id", "procedure", "environment", "service", "state", "from_version", "to_version", "reason", "operator")
    body: dict[str, JsonValue] = {name: run[name] for name in (*named, "seconds", "drill", "metrics")}
    # The head of the chain, kept outside: whoever rewrites the journal later cannot rewrite this message (A2).
    body["journal_head"] = view.events[-1].hash if view.events else ""
    return body
