"""Reading what was persisted: by another version of this program, perhaps a newer one.

Fields this version does not know are ignored, missing ones take their defaults; what people write (configuration,
requests) is read strictly elsewhere. Unknown fields of a row that is written again are carried along.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from actions.model.base import Fact
from actions.model.errors import LedgerError
from actions.model.identity import canonical_json, text_digest
from actions.model.plan import PLAN_FORMAT, Plan

M = TypeVar("M", bound=Fact)


def from_text(model: type[M], stored: str) -> M:
    """A model from the JSON text that a row holds."""
    return model.model_validate_json(stored, extra="ignore")


def from_values(model: type[M], values: Mapping[Any, Any]) -> M:
    """A model from the columns of a row."""
    return model.model_validate(values, extra="ignore")


def to_text(fact: Fact, before: str | None = None) -> str:
    """The text to store, with what the row holds `before` and this version does not know."""
    kept = {} if before is None else json.loads(before)
    unknown = {name: value for name, value in kept.items() if name not in type(fact).model_fields}
    return canonical_json(unknown | fact.model_dump(mode="json"))


def plan_from(stored: str, approved: str, run_id: str) -> Plan:
    """The plan of a run, as it was approved. Raises LedgerError when it is another one, or of a newer format."""
    if text_digest(stored) != approved:
        raise LedgerError(f"the plan of run {run_id} is not the one that was approved; see 'vq-tui audit verify'")
    values = json.loads(stored)
    number = values.get("format", 1)
    if not isinstance(number, int) or number > PLAN_FORMAT:
        raise LedgerError(
            f"the plan of run {run_id} was written by a newer version (format {number}, this one knows {PLAN_FORMAT});"
            " nothing was touched; use that version of vq-tui for this run"
        )
    return from_values(Plan, values | {"format": number})
