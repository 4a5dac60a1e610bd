"""From rows to the frozen models and back."""

import json
import math
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from actions.ledger.stored import from_values
from actions.ledger.tables import instant
from actions.model.identity import canonical_json
from actions.model.record import CommandRow, GateRow, Notice
from actions.model.run import Event, Run
from actions.model.text import clean

_RUN_FIELDS = tuple(name for name in Run.model_fields if name != "metrics")


def tidy(value: JsonValue) -> JsonValue:
    """`value` as it may be stored: no control characters, no numbers JSON does not know, keys as text."""
    if isinstance(value, str):
        return clean(value, multiline=True)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {clean(key): tidy(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [tidy(one) for one in value]
    return value


def body_text(body: Mapping[str, Any] | None) -> str:
    """A body in the one stored form."""
    return canonical_json(tidy(dict(body or {})))


def run_from(row: Mapping[Any, Any]) -> Run:
    """One row of the table `run`."""
    return from_values(Run, {name: row[name] for name in _RUN_FIELDS} | {"metrics": json.loads(row["metrics"])})


def marks_of(metrics: Mapping[str, Any]) -> dict[str, bool]:
    """Columns that say by what a run is looked for, from its metrics."""
    return {"several_executors": "executors" in metrics, "broke_glass": metrics.get("break_glass") is True}


def metrics_values(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics as columns of a run's row."""
    return {"metrics": body_text(metrics)} | marks_of(metrics)


def run_values(run: Run) -> dict[str, Any]:
    """A run as a row, without the columns that only the ledger knows."""
    values = run.model_dump(mode="python")
    for name in ("created_at", "started_at", "ended_at"):
        values[name] = None if values[name] is None else instant(values[name])
    return values | {
        **metrics_values(run.metrics),
        "state": run.state.value,
        "search": search_text(run),
    }


def search_text(run: Run) -> str:
    """What a text search looks at: id, versions, reason, operator, service."""
    parts = (run.id, run.service, run.from_version, run.to_version, run.operator, run.reason)
    return " ".join(part for part in parts if part).lower()[:600]


def event_from(row: Mapping[Any, Any]) -> Event:
    """One row of the table `event`."""
    return from_values(Event, dict(row) | {"body": json.loads(row["body"])})


def gate_from(row: Mapping[Any, Any]) -> GateRow:
    """One row of the table `gate`."""
    return from_values(GateRow, dict(row) | {"choices": json.loads(row["choices"])})


def command_from(row: Mapping[Any, Any]) -> CommandRow:
    """One row of the table `command`."""
    return from_values(CommandRow, dict(row))


def notice_from(row: Mapping[Any, Any]) -> Notice:
    """One row of the table `notice`."""
    return from_values(Notice, dict(row) | {"body": json.loads(row["body"])})
