"""What a channel is told: the notice, and how its run ended with the measured figures. Pure; no secret."""

from typing import Any

from actions.model.record import Notice
from actions.model.run import Run

_MEASURED = (
    ("downtime_seconds", "downtime {} s"),
    ("failed_requests", "failed requests {}"),
    ("lost_writes", "lost writes {}"),
    ("users_affected", "users affected {}"),
)


def text_of(notice: Notice, run: Run | None) -> str:
    """The one line people read in the channel."""
    if run is None:
        return notice.text
    text = f"DRILL: {notice.text}" if run.drill else notice.text
    if run.state.active:  # also one that needs a person: it has not ended
        return text
    took = f" in {run.seconds:.1f} s" if run.seconds is not None else ""
    figures = [words.format(run.metrics[name]) for name, words in _MEASURED if run.metrics.get(name) is not None]
    return f"{text} [{', '.join([f'{run.state}{took}', *figures])}]"


def body_of(notice: Notice, run: Run | None) -> dict[str, Any]:
    """The line, and the facts behind it for machines."""
    body: dict[str, Any] = {"text": text_of(notice, run), "environment": notice.environment, "details": notice.body}
    if run is not None:
        facts = run.model_dump(mode="json")
        body["run"] = {
            name: facts[name]
            for name in ("id", "procedure", "service", "state", "from_version", "to_version", "reason", "operator")
        } | {"seconds": run.seconds, "drill": run.drill, "metrics": facts["metrics"]}
    return body
