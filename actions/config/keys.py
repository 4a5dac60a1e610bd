"""The reference of the configuration: every table and key, read off the models and the text under each key.

`python -m actions.config.keys` prints it as Markdown: `docs/configuration.md`.
"""

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from actions.model import environment, services, workloads
from actions.model.base import Fact

NAME = "NAME"
"""Stands in a table's path for a name that people choose."""

_WORDS: dict[Any, str] = {str: "text", bool: "true or false", int: "whole number", float: "number", Path: "path"}
_INTRODUCTION = """# Configuration

Every table and key of `vq-tui.toml`, made from the program itself by `python -m actions.config.keys`; `vq-tui config
keys` prints the same. `vq-tui config check` names whatever is wrong in a file, `vq-tui config init` writes one to start
from. Paths may begin with `~` or `$VARIABLE`; relative ones count from the file's own directory. Times are in seconds.
"""


class Key(Fact):
    """One key: what it may hold, in words, what stands without it (None: it must be given), and what it is for."""

    name: str
    holds: str
    default: str | None
    text: str


class Table(Fact):
    """One table and its keys; `shape` is the kind or driver that has them, empty where there is only one."""

    path: str
    shape: str
    text: str
    keys: tuple[Key, ...]


def tables() -> tuple[Table, ...]:
    """All of them, from the top of the file down; a table that stands in several places is listed once."""
    return tuple(_tables(environment.Settings, "", {}))


def matching(words: Iterable[str]) -> tuple[Table, ...]:
    """Tables with those of their keys in whose place, name or text all the words occur."""
    wanted = [one.lower() for one in words]
    found = []
    for table in tables():
        place = f"{table.path} {table.shape}"
        keys = tuple(
            key for key in table.keys if all(one in f"{place} {key.name} {key.text}".lower() for one in wanted)
        )
        found += [table.model_copy(update={"keys": keys})] if keys else []
    return tuple(found)


def markdown() -> str:
    """The reference as a page."""
    parts = [_INTRODUCTION]
    for table in tables():
        title = f"`[{table.path}]`" if table.path else "The top of the file"
        parts.append(f"## {title}{f', {table.shape}' if table.shape else ''}\n\n{table.text}\n")
        rows = [f"| `{one.name}` | {one.holds} | {_default(one)} | {one.text} |" for one in table.keys]
        parts.append("\n".join(["| key | holds | without it | meaning |", "|---|---|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _default(key: Key) -> str:
    if key.default is None:
        return "must be given"
    return f"`{key.default}`" if key.default else ""


def _tables(model: type[BaseModel], path: str, places: dict[type[BaseModel], str]) -> Iterator[Table]:
    places[model] = path
    described = _described(model)
    keys = [
        Key(
            name=name,
            holds=_holds(field, f"{path}.{name}".lstrip("."), places),
            default=_written(field),
            text=described[name],
        )
        for name, field in model.model_fields.items()
    ]
    yield Table(path=path, shape=_shape(model), text=_paragraph(inspect.getdoc(model) or ""), keys=tuple(keys))
    for name, field in model.model_fields.items():
        for inner, below in _inside(field.annotation):
            if inner not in places:
                yield from _tables(inner, ".".join(filter(None, (path, name, below))), places)


def _paragraph(text: str) -> str:
    return " ".join(text.split())


def _described(model: type[BaseModel]) -> dict[str, str]:
    """The text under each key of a model. Raises KeyError later for a key that has none."""
    (module,) = (one for one in (environment, services, workloads) if one.__name__ == model.__module__)
    tree = ast.parse(inspect.getsource(module))
    (body,) = (one.body for one in tree.body if isinstance(one, ast.ClassDef) and one.name == model.__name__)
    found = {}
    for key, text in pairwise(body):
        if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name) and isinstance(text, ast.Expr):
            found[key.target.id] = _paragraph(ast.literal_eval(text.value))
    return found


def _shape(model: type[BaseModel]) -> str:
    return next((f'{name} = "{one.default}"' for name, one in model.model_fields.items() if _decides(one)), "")


def _decides(field: FieldInfo) -> bool:
    """Whether this key, with its only value, says which shape the table has."""
    return get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1


def _written(field: FieldInfo) -> str | None:
    """The default as it would stand in the file; empty for none."""
    if field.is_required() or _decides(field):
        return None
    value = field.default
    if value is None or value in ({}, ()) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str | Path) else f"{value:,}".replace(",", "_")


def _inside(annotation: Any, below: str = "") -> Iterator[tuple[type[BaseModel], str]]:
    """Models of tables under a key, and what stands between the key and the table."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, below
    elif origin is Annotated:
        yield from _inside(arguments[0], below)
    elif origin in (Union, UnionType):
        for one in arguments:
            yield from _inside(one, below)
    elif origin is dict:
        yield from _inside(arguments[1], NAME)


def _holds(field: FieldInfo, path: str, places: dict[type[BaseModel], str]) -> str:
    words = _type_words(field.annotation, path, places)
    limits = {name: getattr(one, name) for one in field.metadata for name in ("gt", "ge", "le") if hasattr(one, name)}
    return words + _range(limits)


def _range(limits: dict[str, float]) -> str:
    low = f" above {limits['gt']:g}" if "gt" in limits else f" from {limits['ge']:g}" if "ge" in limits else ""
    return low + (f" to {limits['le']:_}" if "le" in limits else "")


def _type_words(annotation: Any, path: str, places: dict[type[BaseModel], str]) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f'"{one}"' for one in arguments)
    if origin is Annotated:
        limits = {k: getattr(one, k) for one in arguments[1:] for k in ("gt", "ge", "le") if hasattr(one, k)}
        return _type_words(arguments[0], path, places) + _range(limits)
    if origin in (Union, UnionType):
        return _several([one for one in arguments if one is not NoneType], path, places)
    if origin is dict:
        inner = _type_words(arguments[1], f"{path}.{NAME}", places)
        return f"{inner} by name"
    if origin is tuple:
        return f"list of {_type_words(arguments[0], path, places)}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"table `[{places.get(annotation, path)}]`"
    return _WORDS[annotation]


def _several(arguments: list[Any], path: str, places: dict[type[BaseModel], str]) -> str:
    words = dict.fromkeys(_type_words(one, path, places) for one in arguments)
    return " or ".join(words)


if __name__ == "__main__":
    sys.stdout.write(markdown())
