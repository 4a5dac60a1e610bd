"""Which location of a server nginx chooses for a path, in nginx's own order. Pure."""

import re
from dataclasses import dataclass

from actions.clients.nginx_configuration import Directive

_MODIFIERS = ("^~", "~*", "~", "=")


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a location asks of a path; `modifier` is empty for a plain prefix, and "@" for a name."""

    modifier: str
    text: str


def matcher(location: Directive) -> Matcher:
    """As nginx reads it: the modifier a word of its own, or written together with the path."""
    if len(location.words) == 2:
        return Matcher(*location.words)
    word = location.words[0] if location.words else ""
    if word.startswith("@"):
        return Matcher("@", word)
    modifier = next((one for one in _MODIFIERS if word.startswith(one)), "")
    return Matcher(modifier, word.removeprefix(modifier))


def chosen(block: tuple[Directive, ...], path: str) -> Directive | None:
    """The location for this path; None when the block itself answers. Raises ValueError for an unknown expression."""
    return _find(block, path)[0]


def _find(block: tuple[Directive, ...], path: str) -> tuple[Directive | None, bool]:
    """The location, and whether no expression further out is tried any more."""
    known = [(matcher(one), one) for one in block if one.name == "location"]
    for rule, location in known:
        if rule.modifier == "=" and rule.text == path:
            return location, True
    best = max(
        ((rule, one) for rule, one in known if rule.modifier in ("", "^~") and path.startswith(rule.text)),
        key=lambda pair: len(pair[0].text),
        default=None,
    )
    found = None if best is None else best[1]
    if best is not None:
        inner, final = _find(best[1].block or (), path)
        if final:
            return inner, True
        found = inner or found
        if best[0].modifier == "^~":
            return found, False
    for rule, location in known:
        if rule.modifier in ("~", "~*") and _meets(rule, path):
            return _find(location.block or (), path)[0] or location, True
    return found, False


def _meets(rule: Matcher, path: str) -> bool:
    try:
        return re.search(rule.text, path, re.IGNORECASE if rule.modifier == "~*" else 0) is not None
    except re.error as error:
        raise ValueError(f"the expression {rule.text}: {error}") from None
