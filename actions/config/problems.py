"""What is wrong in a configuration, in words: file, line, key, what is expected, what was probably meant."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from actions.config.shape import choices, deciding_key, known_keys, nearest
from actions.config.toml_lines import KeyPath
from actions.model.errors import ConfigError
from actions.model.text import clean

MOST = 10
"""Problems listed at once; more would scroll the first one away."""

_EXPECTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text in quotes",
    "path_type": "a path in quotes",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "tuple_type": 'a list, as in ["a", "b"]',
}
_NAME_RULE = "a name of lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit"


@dataclass(frozen=True)
class Problem:
    """One thing wrong. `path` is the key, `line` 0 means the file as a whole."""

    line: int
    path: KeyPath
    text: str

    def words(self, file: Path) -> str:
        """The line a person reads."""
        where = f"{file}:{self.line}" if self.line else f"{file}"
        key = key_text(self.path)
        return f"{where}: {key}: {self.text}" if key else f"{where}: {self.text}"


def raise_for(file: Path, problems: list[Problem]) -> None:
    """Raise one ConfigError for all problems, in the order of their lines; nothing when there is none."""
    if not problems:
        return
    ordered = sorted(dict.fromkeys(problems), key=lambda one: (one.line, key_text(one.path)))
    lines = [one.words(file) for one in ordered[:MOST]]
    if len(ordered) > MOST:
        lines.append(f"… and {len(ordered) - MOST} more")
    raise ConfigError("\n".join(lines), problems=[one.words(file) for one in ordered])


def key_text(path: KeyPath) -> str:
    """`path` as it would be written in TOML."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            plain = part.isascii() and part.replace("-", "").replace("_", "").isalnum()
            text += ("." if text else "") + (part if plain else json.dumps(clean(part, limit=60), ensure_ascii=False))
    return text


def line_of(path: KeyPath, lines: dict[KeyPath, int]) -> int:
    """The line of `path`, or of the nearest table around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


def from_validation(error: ValidationError, data: dict[str, Any], lines: dict[KeyPath, int]) -> list[Problem]:
    """The problems behind a validation error. Values are never repeated: one of them might be a secret."""
    found = []
    for detail in error.errors(include_url=False):
        path, is_name = _path(detail["loc"], data)
        found.append(Problem(line_of(path, lines), path, _words(detail, path, is_name, data)))
    return found


def not_finite(data: Any, lines: dict[KeyPath, int], path: KeyPath = ()) -> Iterator[Problem]:
    """Problems for `inf` and `nan`, which TOML allows and no setting means."""
    if isinstance(data, float) and not math.isfinite(data):
        yield Problem(line_of(path, lines), path, "must be a finite number")
    members = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, inner in members:
        yield from not_finite(inner, lines, (*path, key))


def _path(location: tuple[str | int, ...], data: Any) -> tuple[KeyPath, bool]:
    """Keys of a pydantic location, without the tags of unions that pydantic puts between them."""
    path: KeyPath = ()
    node: Any = data
    for part in location:
        if part == "[key]":
            return path, True
        if isinstance(node, dict):
            if part not in node and part == node.get(deciding_key(node) or ""):
                continue  # the tag of a union, which pydantic names though it is no key
            path, node = (*path, part), node.get(str(part))
        elif isinstance(node, list) and isinstance(part, int):
            path, node = (*path, part), node[part]
    return path, False


def _words(detail: Any, path: KeyPath, is_name: bool, data: Any) -> str:
    kind = str(detail["type"])
    if is_name:
        return f"this is not {_NAME_RULE}"
    if kind == "extra_forbidden":
        return _unknown_key(path, data)
    if kind == "missing":
        return "this key is missing" + _secret_hint(path)
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        return _deciding_key(path, data)
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}, not {_found(path, data)}{_secret_hint(path)}"
    if kind == "literal_error":
        return f"must be {detail['ctx']['expected']}"
    if kind == "string_pattern_mismatch":
        return f"must be {_NAME_RULE}"
    if kind == "value_error":
        return clean(detail["ctx"]["error"], limit=300)
    message = str(detail["msg"])
    return clean(message.replace("Input should", "must").replace("Value should", "must"), limit=300)


def _unknown_key(path: KeyPath, data: Any) -> str:
    known = known_keys(path[:-1], data)
    meant = nearest(str(path[-1]), known)
    if meant:
        return f"unknown key; did you mean '{meant}'?"
    return "unknown key; known here: " + ", ".join(known)


def _deciding_key(path: KeyPath, data: Any) -> str:
    tag = "driver" if path and path[-1] in {"workload", "traffic"} else "kind"
    known = choices(path, data)
    table = _at(path, data)
    written = table.get(tag) if isinstance(table, dict) else None
    if written is None:
        return f"the key '{tag}' is missing; it is one of {', '.join(known)}"
    meant = nearest(str(written), known)
    hint = f"; did you mean '{meant}'?" if meant else ""
    return f"'{tag}' must be one of {', '.join(known)}{hint}"


def _secret_hint(path: KeyPath) -> str:
    last = path[-1] if path else ""
    if last in {"password", "token", "secret_url"} or (len(path) > 1 and path[-2] == "headers"):
        return '; secrets are never written here: give { file = "…" } (mode 0600) or { env = "…" }'
    return ""


def _found(path: KeyPath, data: Any) -> str:
    value = _at(path, data)
    names = {
        bool: "true or false",
        str: "text",
        int: "a whole number",
        float: "a number",
        dict: "a table",
        list: "a list",
    }
    return names.get(type(value), "a date or time")


def _at(path: KeyPath, data: Any) -> Any:
    for part in path:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int):
            data = data[part]
        else:
            return None
    return data
