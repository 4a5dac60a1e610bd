"""A configuration as nginx reads it: every file that `nginx -T` prints, parsed, with what is included in its place."""

import fnmatch
import glob
import posixpath
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.model.errors import VqError
from actions.model.text import clean

_HEADER = "# configuration file "
_PARSED_LIMIT = 2_000_000
"""So many characters are parsed at most, about three seconds of the processor. Long lists of addresses are left out."""
_DIRECTIVES_LIMIT = 200_000
_DEPTH_LIMIT = 40
_COMMENTS_LIMIT = 20
_SKIPPED_LIMIT = 20
_WORTH_READING = ("include", "server", "location", "_pass", "set", "map", "return", "pid", "upstream", "lua", "js_")


class NotUnderstood(VqError):
    """The text of a configuration could not be followed; that says nothing against it."""


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive: its name, its words without quotes, and what stands between its braces."""

    name: str
    words: tuple[str, ...] = ()
    block: tuple["Directive", ...] | None = None

    def walk(self) -> Iterator["Directive"]:
        """This one and all below it."""
        waiting = [self]
        while waiting:
            directive = waiting.pop()
            yield directive
            waiting.extend(reversed(directive.block or ()))


@dataclass(frozen=True, slots=True)
class Configuration:
    """The main part, and the names of all files that belong to it, as the configuration names them."""

    main: tuple[Directive, ...]
    files: tuple[str, ...]

    def named(self, name: str) -> tuple[Directive, ...]:
        """The directives of this name in the main part."""
        return tuple(one for one in self.main if one.name == name)

    @property
    def http(self) -> tuple[Directive, ...]:
        """What stands in `http`."""
        return tuple(inner for one in self.named("http") for inner in one.block or ())


Files = Callable[[str], Iterable[tuple[str, str]]]
"""Gives names and texts of the files that an include, as a full name or a pattern, stands for."""
Parse = Callable[[str, str], list[dict[str, Any]]]
"""Gives the directives of a file of this name and text."""


def from_dump(dump: str) -> Configuration:
    """What `nginx -T` printed. Raises NotUnderstood."""
    files = _files(dump)
    if not files:
        raise NotUnderstood("nginx -T printed no configuration")
    return _configuration(next(iter(files)), lambda pattern: _matching(files, pattern), parsed)


def from_disk(main: Path) -> Configuration:
    """The files as they lie on this host, as far as they can be followed: enough to learn the main part.

    Raises NotUnderstood when the main file cannot be read.
    """

    def matching(pattern: str) -> Iterator[tuple[str, str]]:
        # as nginx itself, which leaves hidden files out; Path.glob does not
        for name in sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]:  # noqa: PTH207
            try:
                yield name, Path(name).read_bytes().decode("utf-8", "replace")
            except OSError as error:
                if name == str(main):
                    raise NotUnderstood(f"{name} cannot be read: {error.strerror}") from None

    return _configuration(str(main), matching, _outermost)


def _configuration(main: str, files: Files, parse: Parse) -> Configuration:
    reading = _Reading(main, files, parse)
    return Configuration(reading.file(main, 0), tuple(reading.parsed))


class _Reading:
    """Puts included files in their places; each is parsed once, however often it is included."""

    def __init__(self, main: str, files: Files, parse: Parse) -> None:
        self._directory = posixpath.dirname(main)
        self._files = files
        self._parse_one = parse
        self._budget = _PARSED_LIMIT
        self._count = 0
        self.parsed: dict[str, list[dict[str, Any]]] = {}

    def file(self, pattern: str, depth: int) -> tuple[Directive, ...]:
        """All directives of the files that `pattern` stands for."""
        full = pattern if pattern.startswith("/") else posixpath.join(self._directory, pattern)
        found: list[Directive] = []
        for name, text in self._files(full):
            if name not in self.parsed:
                self.parsed[name] = self._parse(name, text)
            found += self._directives(self.parsed[name], depth)
        return tuple(found)

    def _parse(self, name: str, text: str) -> list[dict[str, Any]]:
        if not any(word in text for word in _WORTH_READING):
            return []
        self._budget -= len(text)
        if self._budget < 0:
            raise NotUnderstood("the configuration is too long to be looked through")
        return self._parse_one(name, text)

    def _directives(self, statements: list[dict[str, Any]], depth: int) -> Iterator[Directive]:
        if depth > _DEPTH_LIMIT:
            raise NotUnderstood("its blocks or includes are nested too deeply")
        for statement in statements:
            self._count += 1
            if self._count > _DIRECTIVES_LIMIT:
                raise NotUnderstood("the configuration has too many directives to be looked through")
            words = tuple(statement["args"])
            if statement["directive"] == "include" and len(words) == 1:
                yield from self.file(words[0], depth + 1)
                continue
            block = statement.get("block")
            inner = None if block is None else tuple(self._directives(block, depth + 1))
            yield Directive(statement["directive"], words, inner)


def parsed(name: str, text: str) -> list[dict[str, Any]]:
    """The directives of one file as crossplane gives them; opens no other file. Raises NotUnderstood."""
    import crossplane

    answer = crossplane.parse_string(text, filename=name, single=True, check_ctx=False, check_args=False)
    if answer["status"] != "ok":
        raise NotUnderstood(clean(answer["errors"][0]["error"], limit=300))
    found: list[dict[str, Any]] = answer["config"][0]["parsed"]
    return found


def _outermost(name: str, text: str) -> list[dict[str, Any]]:
    """The directives of one file; of one that cannot be followed, those outside of every block.

    After a line that cannot be read it goes on with the next one.
    """
    try:
        return parsed(name, text)
    except NotUnderstood:
        pass
    found, lines = list[dict[str, Any]](), text.split("\n")
    for _ in range(_SKIPPED_LIMIT):
        more, unread = _single("\n".join(lines))
        found += more
        if unread is None:
            break
        lines = lines[unread:]
    return found


def _single(text: str) -> tuple[list[dict[str, Any]], int | None]:
    """The directives outside of every block, and the number of the line that could not be read."""
    import crossplane
    from crossplane.errors import NgxParserBaseException

    found, words, depth = list[dict[str, Any]](), list[str](), 0
    try:
        for word, _, quoted in crossplane.lex_string(text):
            if quoted or word not in ("{", "}", ";"):
                words += [] if depth or (word.startswith("#") and not quoted) else [word]
                continue
            if word == ";" and words:
                found.append({"directive": words[0], "args": words[1:]})
            words, depth = [], depth + {"{": 1, "}": -1, ";": 0}[word]
    except NgxParserBaseException as error:
        return found, int(error.lineno or 1)
    return found, None


def _matching(files: dict[str, str], pattern: str) -> list[tuple[str, str]]:
    if not glob.has_magic(pattern):
        if pattern not in files:
            raise NotUnderstood(f"nginx -T does not print {clean(pattern, limit=200)}, which is included")
        return [(pattern, files[pattern])]
    return [(name, text) for name, text in files.items() if _matches(name, pattern)]


def _matches(name: str, pattern: str) -> bool:
    """As glob(3): a star stops at a slash, and does not stand for a leading dot."""
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(
        fnmatch.fnmatchcase(part, one) and (not part.startswith(".") or one.startswith("."))
        for part, one in zip(parts, wanted, strict=True)
    )


def _files(dump: str) -> dict[str, str]:
    """The files of a dump by name, the main one first.

    nginx puts a line above each, which people may well have in a file of theirs, saved from an earlier dump: such a
    comment names what nothing includes, or what was printed already, or stands inside a block.
    """
    sections = _sections(dump)
    main, text = next(sections, ("", ""))
    files, last, comments = {main: text}, main, 0
    known: frozenset[str] = frozenset()
    for name, text in sections:
        more = _patterns(last, files[last])
        if more is None or name in files or not _included(name, main, known | more):
            comments += 1
            if comments > _COMMENTS_LIMIT:
                raise NotUnderstood("which file is which cannot be learned from what nginx -T prints")
            files[last] += f"\n{_HEADER}{name}:\n{text}"
        else:
            known |= more
            files[name], last = text, name
    return files if main else {}


def _sections(dump: str) -> Iterator[tuple[str, str]]:
    name, lines = "", list[str]()
    for line in dump.split("\n"):
        if line.startswith(_HEADER) and line.endswith(":"):
            if name:
                yield name, "\n".join(lines)
            name, lines = line[len(_HEADER) : -1], []
        else:
            lines.append(line)
    if name:
        yield name, "\n".join(lines)


def _included(name: str, main: str, patterns: frozenset[str]) -> bool:
    """Whether one of these patterns stands for `name`; they count from the folder of the main file."""
    folder = posixpath.dirname(main)
    full = (posixpath.join(folder, one) for one in patterns)
    return any(one == name or (glob.has_magic(one) and _matches(name, one)) for one in full)


def _patterns(name: str, text: str) -> frozenset[str] | None:
    """What a file includes; None when the text is not a whole file."""
    if "include" not in text:
        return frozenset()
    try:
        return frozenset(_includes(parsed(name, text)))
    except NotUnderstood:
        return None


def _includes(statements: list[dict[str, Any]]) -> Iterator[str]:
    waiting = [*statements]
    while waiting:
        statement = waiting.pop()
        if statement["directive"] == "include" and len(statement["args"]) == 1:
            yield statement["args"][0]
        waiting += statement.get("block") or []
