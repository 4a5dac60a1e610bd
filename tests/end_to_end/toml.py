"""Plain values as the text of a `vq-tui.toml`."""

import json
from pathlib import Path
from typing import Any


def toml(table: dict[str, Any], prefix: str = "") -> str:
    """Tables after plain values, as TOML wants them. A JSON string is a TOML basic string."""
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value, default=_path)}" for key, value in plain.items() if value is not None]
    text = (f"\n[{prefix}]\n" if prefix and plain else "") + "".join(f"{line}\n" for line in lines)
    return text + "".join(toml(one, f"{prefix}.{key}" if prefix else key) for key, one in tables.items())


def _path(value: object) -> str:
    assert isinstance(value, Path), value
    return str(value)
