"""What nginx's variables may hold, as far as the configuration alone says. Pure."""

import itertools
import re
from collections.abc import Iterable, Iterator

from actions.clients.nginx_configuration import Configuration, Directive

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)
_PATHS = frozenset(("uri", "document_uri", "request_uri"))
_VALUES_LIMIT = 64
_VARIABLES_LIMIT = 100
_LISTS = frozenset(("map", "geo", "split_clients"))
_SETTINGS_OF_LISTS = frozenset(("hostnames", "volatile", "ranges", "proxy_recursive", "proxy", "delete"))

Values = frozenset[str] | None
"""All values that are possible; None when others may be as well."""


def variables(word: str) -> tuple[str, ...]:
    """The names of the variables in a word, written `$name` or `${name}`."""
    return tuple((one[1] or one[2]).lower() for one in _VARIABLE.finditer(word))


def authority(target: str) -> str:
    """The host of a target of `proxy_pass` and the like, variables and all: what stands before the path.

    A target without a scheme may hold one in its variable: then it is left whole.
    """
    _, marks, rest = target.partition("://")
    if not marks and target.startswith("$"):
        return target
    host = (rest if marks else target).partition("/")[0]
    path = next((one.start() for one in _VARIABLE.finditer(host) if (one[1] or one[2]).lower() in _PATHS), len(host))
    return host[:path]


def derived(configuration: Configuration, name: str) -> frozenset[str]:
    """This variable, and all that may hold what it holds."""
    targets: dict[str, set[str]] = {}
    for directive in (inner for one in configuration.http for inner in one.walk()):
        for target, words in _assigned(directive):
            for source in _all(words):
                targets.setdefault(source, set()).add(target)
    known, waiting = {name.lower()}, [name.lower()]
    while waiting:
        more = targets.get(waiting.pop(), set()) - known
        known |= more
        waiting += more
    return frozenset(known)


def lists(configuration: Configuration) -> dict[str, Directive]:
    """The maps and the like, by the variable that each gives a value."""
    return {one.words[-1].lstrip("$").lower(): one for one in configuration.http if one.name in _LISTS and one.words}


class Variables:
    """Values of variables at one place: `scopes` are the blocks whose `set` directives run there, in their order."""

    def __init__(self, listed: dict[str, Directive], scopes: Iterable[tuple[Directive, ...]]) -> None:
        self._lists = listed
        self._known: dict[str, Values] = {}
        self._set: dict[str, list[str]] = {}
        for directive in itertools.chain.from_iterable(scopes):
            self._run(directive, sure=True)

    def _run(self, directive: Directive, *, sure: bool) -> None:
        if directive.name == "if":
            for inner in directive.block or ():
                self._run(inner, sure=False)
        elif directive.name == "set" and len(directive.words) == 2:
            name = directive.words[0].lstrip("$").lower()
            self._set[name] = [directive.words[1]] if sure else [*self._set.get(name, [""]), directive.words[1]]

    def values(self, word: str) -> Values:
        """What this word may come to."""
        parts = _VARIABLE.split(word)[::3]
        choices = [self._of(name) for name in variables(word)]
        found = {parts[0]}
        for choice, text in zip(choices, parts[1:], strict=True):
            if choice is None:
                return None
            found = {f"{one}{value}{text}" for one in found for value in choice}
            if len(found) > _VALUES_LIMIT:
                return None
        return frozenset(found)

    def _of(self, name: str) -> Values:
        if name not in self._known:
            self._known[name] = None  # what is made of itself may hold anything
            if len(self._known) <= _VARIABLES_LIMIT:
                self._known[name] = self._worked_out(name)
        return self._known[name]

    def _worked_out(self, name: str) -> Values:
        words = self._set.get(name)
        if words is None:
            words = _listed(self._lists[name]) if name in self._lists else None
        if words is None or len(words) > _VALUES_LIMIT:
            return None
        found = [self.values(word) for word in words]
        return None if None in found else frozenset(value for one in found for value in one or ())


def _listed(directive: Directive) -> list[str]:
    """Every value of a map, a geo or a split; nothing at all when no entry applies."""
    entries = [one for one in directive.block or () if one.name not in _SETTINGS_OF_LISTS and one.words]
    sure = any(one.name == ("*" if directive.name == "split_clients" else "default") for one in entries)
    return list(dict.fromkeys([one.words[0] for one in entries] + ([] if sure else [""])))


def _assigned(directive: Directive) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The variables that a directive gives a value, and the words which that value is made of."""
    if directive.name in _LISTS and directive.words:
        words = [word for one in directive.block or () for word in one.words]
        yield directive.words[-1].lstrip("$").lower(), (*directive.words[:-1], *words)
    elif directive.name in ("set", "auth_request_set") and len(directive.words) == 2:
        yield directive.words[0].lstrip("$").lower(), directive.words[1:]


def _all(words: Iterable[str]) -> Iterator[str]:
    return (name for word in words for name in variables(word))
