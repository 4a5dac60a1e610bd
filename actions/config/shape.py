"""The keys a place in the configuration may hold, read off the models, for suggestions."""

from collections.abc import Container
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from actions.config.toml_lines import KeyPath
from actions.model.environment import Settings


def deciding_key(names: Container[str]) -> str | None:
    """The key that decides which of several shapes a table with these keys has."""
    return next((tag for tag in ("driver", "kind") if tag in names), None)


def nearest(word: str, known: list[str]) -> str | None:
    """The known word that was probably meant."""
    begun = [one for one in known if len(word) > 2 and one.startswith(word.lower())]
    found = begun if len(begun) == 1 else get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return found[0] if found else None


def known_keys(path: KeyPath, data: Any) -> list[str]:
    """Keys that the table at `path` may hold; empty where names are free or the place is unknown."""
    places: list[Any] = [Settings]
    node = data
    for part in path:
        places = [inner for place in places for inner in _inside(place, part)]
        node = _step(node, part)
        places = _decided(places, node)
    return sorted({key for place in places if _is_model(place) for key in place.model_fields})


def choices(path: KeyPath, data: Any) -> list[str]:
    """The values that a deciding key of the table at `path` may have."""
    places: list[Any] = [Settings]
    node = data
    for part in path:
        places = _decided([inner for place in places for inner in _inside(place, part)], node)
        node = _step(node, part)
    return list(dict.fromkeys(tag for place in places if (tag := _tag(place))))


def _inside(place: Any, part: str | int) -> list[Any]:
    if _is_model(place):
        field = place.model_fields.get(part)
        return _flat(field.annotation) if field is not None else []
    arguments = get_args(place)
    if get_origin(place) is dict:
        return _flat(arguments[1])
    return _flat(arguments[0]) if get_origin(place) is tuple else []


def _flat(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _flat(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [inner for one in get_args(annotation) for inner in _flat(one)]
    return [annotation]


def _decided(places: list[Any], node: Any) -> list[Any]:
    """Of several shapes, the one that the table's own kind or driver names."""
    if not isinstance(node, dict):
        return places
    key = deciding_key(node)
    named = [place for place in places if key is not None and _tag(place) == node[key]]
    return named or places


def _tag(place: Any) -> str | None:
    """The value of the deciding key that stands for this shape."""
    key = deciding_key(place.model_fields) if _is_model(place) else None
    return str(place.model_fields[key].default) if key else None


def _step(node: Any, part: str | int) -> Any:
    if isinstance(node, dict):
        return node.get(part)
    if isinstance(node, list) and isinstance(part, int) and part < len(node):
        return node[part]
    return None


def _is_model(place: Any) -> bool:
    return isinstance(place, type) and issubclass(place, BaseModel)
