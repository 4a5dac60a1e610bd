"""What came back from an HTTP exchange, as data: trouble on the way is a fact to show, not an exception."""

import json
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import JsonValue

from actions.model.text import clean

Headers = list[tuple[bytes, bytes]]


class Trouble(StrEnum):
    """Why an exchange gave no usable answer."""

    NAME = "name"  # the host name does not resolve
    REFUSED = "refused"  # nobody listens, or no way there
    TIMEOUT = "timeout"  # not complete in the total time
    TLS = "tls"  # no trusted secure connection
    RESET = "reset"  # the connection broke
    TOO_LARGE = "too-large"  # more bytes than allowed, after decoding
    REDIRECT = "redirect"  # sent elsewhere; never followed
    PROTOCOL = "protocol"  # not HTTP, or not as asked
    FORBIDDEN = "forbidden"  # the name led to a link-local address


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to `path` as asked, or why there is none. `seconds` is the whole exchange, connecting included."""

    path: str
    status: int | None
    seconds: float
    body: bytes = b""
    trouble: Trouble | None = None
    detail: str = ""
    raw_headers: Headers = field(default_factory=list)

    @property
    def good(self) -> bool:
        """A complete answer with a status of 200 to 299."""
        return self.trouble is None and self.status is not None and 200 <= self.status < 300

    @property
    def reached(self) -> bool:
        """Whether an HTTP server answered at all, well or badly."""
        return self.status is not None

    @property
    def milliseconds(self) -> float:
        """`seconds` as screens show it."""
        return self.seconds * 1_000

    @property
    def reason(self) -> str:
        """A few words: the detail of the trouble, or the status."""
        return self.detail or (f"answers {self.status}" if self.status is not None else "no answer")

    def header(self, name: str) -> str | None:
        """The first header of that name (any case), cleaned."""
        wanted = name.lower().encode()
        for key, value in self.raw_headers:
            if key.lower() == wanted:
                return clean(value, limit=500)
        return None

    def text(self, lines: int = 200) -> str:
        """The body as cleaned text of several lines."""
        return clean(self.body, multiline=True, lines=lines)

    def json(self) -> JsonValue:
        """The body as JSON with every text in it cleaned; None when it is something else."""
        try:
            return cleaned(json.loads(self.body))
        except (ValueError, RecursionError):
            return None


def cleaned(value: JsonValue, depth: int = 20) -> JsonValue:
    """`value` with every text and key in it cleaned; what lies deeper than `depth` becomes None."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(one, depth - 1) for one in value] if depth else None
    if isinstance(value, dict):
        return {clean(key): cleaned(one, depth - 1) for key, one in value.items()} if depth else None
    return value
