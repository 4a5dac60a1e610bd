"""Whether a configuration uses the generated include: surely, surely not, or in a way that cannot be followed. Pure."""

from collections.abc import Iterator
from enum import StrEnum
from urllib.parse import urlsplit

from actions.clients.nginx_configuration import Configuration, Directive
from actions.model.base import Fact
from actions.model.workloads import NginxTraffic
from actions.platforms.nginx.include import active_variable
from actions.platforms.nginx.locations import chosen, matcher
from actions.platforms.nginx.variables import Values, Variables, authority, derived, lists, variables

_SCRIPTS = ("lua", "perl", "js_", "njs")


class Use(StrEnum):
    """What the text says about one thing that is needed."""

    SURE = "sure"
    UNCLEAR = "unclear"
    MISSING = "missing"


class Wiring(Fact):
    """`generation`: something answers the generation. `upstream`: users' requests go to the generated upstream.

    `bounded`: old workers end some time.
    """

    generation: Use
    upstream: Use
    bounded: bool


def wiring(configuration: Configuration, settings: NginxTraffic, users: str, paths: tuple[str, ...]) -> Wiring:
    """`users` is the address as users have it, `paths` some that they ask for there."""
    servers = tuple(one for one in configuration.http if one.name == "server")
    active = derived(configuration, active_variable(settings.upstream).lstrip("$"))
    telling = tuple(one for one in servers if _mentions(one, active))
    scripted = any(_scripted(one) for one in configuration.http)
    generation = Use.SURE if telling else Use.UNCLEAR if scripted else Use.MISSING
    reached = _reached(servers, telling, settings, users)
    upstream = _upstream(lists(configuration), servers, reached, settings.upstream, paths)
    if upstream is Use.MISSING and scripted:
        upstream = Use.UNCLEAR
    bounded = bool(configuration.named("worker_shutdown_timeout"))
    return Wiring(generation=generation, upstream=upstream, bounded=bounded)


def _mentions(directive: Directive, names: frozenset[str]) -> bool:
    return any(names.intersection(variables(word)) for one in directive.walk() for word in one.words)


def _scripted(directive: Directive) -> bool:
    return any(script in one.name for one in directive.walk() for script in _SCRIPTS)


def _reached(
    servers: tuple[Directive, ...], telling: tuple[Directive, ...], settings: NginxTraffic, users: str
) -> tuple[Directive, ...]:
    """The servers that users may reach: those that carry their name, or else those that tell the generation.

    Of these, the ones that listen where they are asked, if any does. One that only sends users elsewhere is left out.
    """
    named = tuple(one for one in servers if urlsplit(users).hostname in _server_names(one) and not _returns(one))
    found, asked = (named, users) if named else (telling, settings.url)
    return tuple(one for one in found if _port(asked) in _ports(one)) or found


def _returns(server: Directive) -> bool:
    return any(one.name == "return" for one in server.block or ())


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _server_names(server: Directive) -> frozenset[str]:
    found = (word for one in server.block or () if one.name == "server_name" for word in one.words)
    return frozenset(word.lower() for word in found)


def _ports(server: Directive) -> frozenset[int]:
    words = [one.words[0] for one in server.block or () if one.name == "listen" and one.words]
    ends = (word.rpartition("]")[2].rpartition(":")[2] for word in words)
    return frozenset(int(end) if end.isdecimal() else 80 for end in ends) or frozenset((80,))


def _upstream(
    listed: dict[str, Directive],
    servers: tuple[Directive, ...],
    reached: tuple[Directive, ...],
    upstream: str,
    paths: tuple[str, ...],
) -> Use:
    if reached and all(_takes(listed, server, upstream, paths) for server in reached):
        return Use.SURE
    anywhere = (
        _meant(Variables(listed, (server.block or (), block)).values(authority(word)), upstream)
        for server in servers
        for block, word in _passes(server.block or ())
    )
    return Use.MISSING if all(one is Use.MISSING for one in anywhere) else Use.UNCLEAR


def _takes(listed: dict[str, Directive], server: Directive, upstream: str, paths: tuple[str, ...]) -> bool:
    """Whether this server surely gives one of these paths to the upstream."""
    block = server.block or ()
    try:
        found = [chosen(block, path) for path in paths]
    except ValueError:
        return False
    return any(_gives(listed, server, one, upstream) for one in found if one is not None)


def _gives(listed: dict[str, Directive], server: Directive, location: Directive, upstream: str) -> bool:
    block = location.block or ()
    if _leaves(block) or any(one.name == "internal" for one in block):
        return False
    tried = next((one.words[-1] for one in block if one.name == "try_files" and one.words), "")
    if tried:
        named = (one for one in server.block or () if one.name == "location" and matcher(one).text == tried)
        target = next(named, None) if tried.startswith("@") else None
        return target is not None and _gives(listed, server, target, upstream)
    target_words = [one.words[0] for one in block if one.name.endswith("_pass") and one.words]
    values = Variables(listed, (server.block or (), block))
    return any(_meant(values.values(authority(word)), upstream) is Use.SURE for word in target_words)


def _leaves(block: tuple[Directive, ...]) -> bool:
    """Whether a request may leave the block before it is passed on, by the rewrite directives in it."""
    for one in block:
        if one.name == "return" or (one.name == "rewrite" and one.words[-1] != "break"):
            return True
        if one.name == "if" and not _never_for_get(one.words):
            inside = one.block or ()
            if any(inner.name.endswith("_pass") for inner in inside) or _leaves(inside):
                return True
    return False


def _never_for_get(condition: tuple[str, ...]) -> bool:
    """Whether a condition asks for a method that is not GET, as answers to OPTIONS are written."""
    if len(condition) != 3 or condition[0] != "$request_method":
        return False
    operator, method = condition[1:]
    return (operator == "=" and method != "GET") or (operator == "!=" and method == "GET")


def _passes(block: tuple[Directive, ...]) -> Iterator[tuple[tuple[Directive, ...], str]]:
    """Every target that requests are passed to, at any depth, with the block whose `set` directives run before."""
    for one in block:
        if one.name.endswith("_pass") and one.words:
            yield block, one.words[0]
        for inner, word in _passes(one.block or ()):
            yield (inner if one.name == "location" else block), word


def _meant(values: Values, upstream: str) -> Use:
    """Whether a target is the upstream: nginx compares names without regard to case."""
    if values is None:
        return Use.UNCLEAR
    wanted = upstream.lower()
    found = {authority(value).lower() == wanted for value in values}
    return Use.SURE if found == {True} else Use.UNCLEAR if True in found else Use.MISSING
