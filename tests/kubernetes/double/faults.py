"""Faults that a test puts between the client and the API."""

import threading
from dataclasses import dataclass, field

from tests.kubernetes.double.routes import Target

_REASONS = {
    401: ("Unauthorized", "Unauthorized"),
    409: ("Conflict", "the object has been modified; please apply your changes to the latest version and try again"),
    410: ("Expired", "The resourceVersion for the provided watch is too old."),
    429: ("TooManyRequests", "Too many requests, please try again later."),
    500: ("InternalError", "Internal error occurred: etcdserver: request timed out"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "request did not complete within the allotted timeout"),
}


@dataclass(frozen=True)
class Answer:
    """The API answers this status instead; nothing is applied. A watch gets 410 as an ERROR event in a 200 stream.

    `retry_after` is told as the server tells it: in the header, and in the details unless the answer is `plain` text,
    as the one of its filter against too many requests is.
    """

    code: int
    retry_after: int | None = None
    plain: bool = False

    @property
    def reason(self) -> str:
        return _REASONS.get(self.code, ("Unknown", ""))[0]

    @property
    def message(self) -> str:
        return _REASONS.get(self.code, ("", f"fault {self.code}"))[1]


@dataclass(frozen=True)
class Reset:
    """The connection is reset (RST): before the request is applied, or, with `applied`, after it, unanswered."""

    applied: bool = False


@dataclass(frozen=True)
class Delay:
    """The request waits this many real seconds and is then served."""

    seconds: float


@dataclass
class Fault:
    """One fault; empty fields match everything. `times` None means until taken away; `after` lets so many through."""

    does: Answer | Reset | Delay
    verb: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    user: str = ""
    dry_run: bool | None = None
    times: int | None = 1
    after: int = 0
    hits: int = field(default=0, init=False)

    def matches(self, target: Target, user: str, dry_run: bool) -> bool:
        pairs = (
            (self.verb, target.verb),
            (self.resource, target.resource),
            (self.namespace, target.namespace),
            (self.name, target.name),
            (self.user, user),
        )
        return self.dry_run in (None, dry_run) and all(wanted in ("", value) for wanted, value in pairs)


class Faults:
    """The faults in force, tried in the order they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._held.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._held.clear()

    def take(self, target: Target, user: str, dry_run: bool) -> Answer | Reset | Delay | None:
        """The fault that strikes this request; it is used up by one."""
        with self._lock:
            for fault in self._held:
                if not fault.matches(target, user, dry_run):
                    continue
                if fault.after:
                    fault.after -= 1
                    continue
                if fault.times is None or fault.hits < fault.times:
                    fault.hits += 1
                    return fault.does
        return None
