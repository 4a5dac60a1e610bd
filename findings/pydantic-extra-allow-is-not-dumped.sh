#!/bin/bash
# A field that a stored document has and the model does not, carried from reading to writing with pydantic.
#
# One would guess: `model_validate_json(text, extra="allow")` (since 2.12) reads as a model configured with
#   extra="allow" does: unknown fields are held, and `model_dump()` writes them again.
# What happens: they are held and shown by repr(), `model_extra` has them, but `model_dump()` leaves them out without a
#   word (nested ones too); the same document read by a model *configured* with extra="allow" is dumped whole. A row
#   that is read this way and written again loses what a newer program had put there.
# Versions: pydantic 2.14.4 (Python 3.11).
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q pydantic==2.14.4
"$place/venv/bin/python" - <<'PYTHON'
import pydantic
from pydantic import BaseModel, ConfigDict


class Plain(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: str


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    version: str


text = '{"version": "1.0", "signed_by": "anna"}'
asked = Plain.model_validate_json(text, extra="allow")
configured = Open.model_validate_json(text)
print("pydantic", pydantic.VERSION)
print("asked for at validation:", repr(asked), asked.model_extra, "dumps", asked.model_dump())
print("configured:             ", repr(configured), "dumps", configured.model_dump())
assert "signed_by" in repr(asked)
assert configured.model_dump() == {"version": "1.0", "signed_by": "anna"}
assert asked.model_dump() == {"version": "1.0"}, "it is dumped now"
PYTHON
