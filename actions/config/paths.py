"""Paths of the configuration made absolute: `~`, `$VARIABLES`, and relative ones against the file's own directory."""

import os
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from actions.config.problems import Problem, line_of
from actions.config.toml_lines import KeyPath

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def absolute(text: Path | str, base: Path) -> Path:
    """`text` with `~` and `$VARIABLES` filled in, below `base` when relative. ValueError for an unset variable."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if not os.environ.get(name):
            raise ValueError(f"the variable ${name} in this path is not set")
        return os.environ[name]

    filled = Path(_VARIABLE.sub(value, str(text)))
    try:
        filled = filled.expanduser()
    except RuntimeError:
        raise ValueError("the home directory in this path is not known") from None
    return Path(os.path.normpath(base / filled))


def with_absolute_paths(model: Any, base: Path, lines: dict[KeyPath, int]) -> tuple[Any, list[Problem]]:
    """A copy of `model` in which every path is absolute, and what is wrong with paths that cannot be."""
    problems: list[Problem] = []

    def walk(value: Any, path: KeyPath) -> Any:
        if isinstance(value, Path):
            try:
                return absolute(value, base)
            except ValueError as error:
                problems.append(Problem(line_of(path, lines), path, str(error)))
                return value
        if isinstance(value, BaseModel):
            inner = {name: walk(getattr(value, name), (*path, name)) for name in value.model_fields_set}
            return value.model_copy(update=inner)
        if isinstance(value, dict):
            return {name: walk(one, (*path, name)) for name, one in value.items()}
        if isinstance(value, tuple):
            return tuple(walk(one, (*path, number)) for number, one in enumerate(value))
        return value

    return walk(model, ()), problems
