"""The base of all frozen models."""

from pydantic import BaseModel, ConfigDict


class Fact(BaseModel):
    """An immutable fact; unknown fields are errors so that a misspelt name is never silently lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")
