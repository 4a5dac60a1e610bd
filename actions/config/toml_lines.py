"""Where each key of a TOML text stands: tomllib keeps no positions, and an error without a line is half an error.

The text is expected to be valid (tomllib has read it); the scan only has to find keys, not to judge values.
"""

from collections.abc import Iterator

KeyPath = tuple[str | int, ...]

_BLANK = " \t\r\n"


def key_lines(text: str) -> dict[KeyPath, int]:
    """Line (from 1) of every table, key and array element, by full path. Elements of arrays count from 0."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._counted = 0, 1
        self.lines: dict[KeyPath, int] = {}
        self.counts: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._skip():
            if self._peek() == "[":
                table = self._header()
            else:
                self._assignment(table)
        return self.lines

    def _header(self) -> KeyPath:
        line, repeated = self._line(), self.text.startswith("[[", self.at)
        self.at += 2 if repeated else 1
        written = self._dotted()
        self.at += 2 if repeated else 1
        table: KeyPath = ()
        for position, part in enumerate(written):
            table = (*table, part)
            self.lines.setdefault(table, line)
            if repeated and position == len(written) - 1:
                self.counts[table] = self.counts.get(table, -1) + 1
            if table in self.counts:
                table = (*table, self.counts[table])
                self.lines.setdefault(table, line)
        return table

    def _assignment(self, table: KeyPath) -> None:
        line, path = self._line(), table
        for part in self._dotted():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self._skip()
        self.at += 1  # the equals sign
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self._skip()
        opening = self._peek()
        if opening in "\"'":
            self._quoted()
        elif opening == "[":
            for number in self._members("]"):
                self.lines[(*path, number)] = self._line()
                self._value((*path, number))
        elif opening == "{":
            for _ in self._members("}"):
                self._assignment(path)
        else:
            while self.at < len(self.text) and self._peek() not in ",]}\n#":
                self.at += 1

    def _members(self, closing: str) -> Iterator[int]:
        self.at += 1
        number = 0
        while self._skip() and self._peek() != closing:
            if self._peek() == ",":
                self.at += 1
                continue
            yield number
            number += 1
        self.at += 1

    def _dotted(self) -> list[str]:
        parts: list[str] = []
        while self._skip():
            if self._peek() in "\"'":
                parts.append(self._quoted())
            else:
                start = self.at
                while self.at < len(self.text) and (self._peek().isalnum() or self._peek() in "_-"):
                    self.at += 1
                parts.append(self.text[start : self.at])
            self._skip()
            if self._peek() != ".":
                break
            self.at += 1
        return parts

    def _quoted(self) -> str:
        mark = self._peek()
        fence = mark * 3 if self.text.startswith(mark * 3, self.at) else mark
        self.at += len(fence)
        start = self.at
        while self.at < len(self.text) and not self.text.startswith(fence, self.at):
            self.at += 2 if mark == '"' and self._peek() == "\\" else 1
        end = self.at
        self.at += len(fence)
        while len(fence) == 3 and self._peek() == mark:  # up to two quotes may precede the closing three
            self.at += 1
        return self.text[start:end]

    def _skip(self) -> bool:
        """Past blanks and comments; whether anything is left."""
        while self.at < len(self.text):
            if self._peek() == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self._peek() in _BLANK:
                self.at += 1
            else:
                return True
        return False

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _line(self) -> int:
        """Line of the present place, counted on from the last one asked for: a long file is read once."""
        place, line = self._counted if self._counted[0] <= self.at else (0, 1)
        self._counted = self.at, line + self.text.count("\n", place, self.at)
        return self._counted[1]
