"""The base of all frozen models."""

from pydantic import BaseModel, ConfigDict


class Fact(BaseModel):
    """An immutable fact; unknown fields are errors so that a misspelt name is never silently lost."""

    # Validators are built when first used: a start then waits only for those of the facts it meets.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
