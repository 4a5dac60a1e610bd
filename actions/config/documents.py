"""What `vq-tui config schema` and `vq-tui config init` print."""

from importlib.resources import files
from typing import Any

from actions.model.environment import Settings


def schema() -> dict[str, Any]:
    """JSON schema of `vq-tui.toml`, for editors that complete and check while typing."""
    found = Settings.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "vq-tui.toml"} | found


def template() -> str:
    """A commented file to start from; it loads as it is."""
    return files("actions.config").joinpath("starter.toml").read_text(encoding="utf-8")
