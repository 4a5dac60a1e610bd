"""What the Kubernetes API answers when it does not do what was asked, as errors with one clear line each."""

import json
import re
from typing import Any

from actions.model.errors import Ambiguous, ExitCode, Refused, Slow, Stale, Unreachable, VqError
from actions.model.text import clean

CALL_SECONDS = 10.0
"""Longest that one call may take."""

STARTING_SECONDS = 0.1
"""How soon a server that is starting is asked again."""

CHANGING = frozenset({"PATCH", "DELETE"})


class NotThere(VqError):
    """The object does not exist (404)."""

    code = ExitCode.UNKNOWN_NAME


class Forbidden(Refused):
    """The credentials lack a right (403); the message names it."""


class Denied(Refused):
    """Admission (a policy, a webhook, a quota) does not allow the change, whatever rights one has. Nothing was applied.

    `by` names what refuses, empty where the server does not say it.
    """

    def __init__(self, message: str, by: str = "") -> None:
        super().__init__(message)
        self.by = by


class NoDryRun(VqError):
    """An admission webhook takes no dry runs: what it thinks of a change is known only once that is made."""


class Expired(VqError):
    """The resource version of a watch is too old (410): list again."""


class Throttled(Unreachable):
    """The server refused to process the request now (429, 503); nothing was applied. `after` is in seconds."""

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after


class Starting(Throttled):
    """The server refuses everybody, for it has not read its roles yet; nothing was applied, and it will be soon."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where} is starting and refuses everybody until it has read its roles", STARTING_SECONDS)


_POLICY = re.compile(
    r"ValidatingAdmissionPolicy '(?P<name>[^']{1,253})'(?: with binding '[^']{1,253}')? denied request: ?(?P<why>.*)"
)
_WEBHOOK = re.compile(r'admission webhook "(?P<name>[^"]{1,253})" denied the request:? ?(?P<why>.*)')
_AWAY = re.compile(r'failed calling webhook "(?P<name>[^"]{1,253})"')
_NO_DRY_RUN = re.compile(r'admission webhook "(?P<name>[^"]{1,253})" does not support dry run')
_NO_RIGHT = re.compile(r'User "[^"]*" cannot \w+ ')
"""How the server words a lack of rights; any other 403 to a change comes from what it asks about changes."""


def refusal(where: str, verb: str, path: str, status: int, raw: bytes, retry_after: str | None = None) -> VqError:
    """The error that stands for an answer of 400 or more; `retry_after` is its header of that name."""
    try:
        told = json.loads(raw)
        message = clean(told.get("message", ""), limit=400) if isinstance(told, dict) else ""
    except ValueError:
        told, message = {}, clean(raw[:300])
    if status == 400 and (takes_none := _NO_DRY_RUN.search(message)):
        return NoDryRun(f"{where}: admission webhook '{takes_none['name']}' takes no dry run")
    if status < 500 and (denied := _denied(where, status, message)):
        return denied
    if status == 403:
        if verb in CHANGING and message and not _NO_RIGHT.search(message):
            return Denied(f"{where} does not allow the change: {message}; ask who looks after the cluster")
        return Forbidden(f"{where}: {message or f'{verb} {path} is forbidden'}; ask for this right")
    if status == 404:
        return NotThere(f"{where}: {message or f'{path} does not exist'}")
    if status == 422 and _causes(told):
        return Refused(f"{where} finds the change invalid: {message}")
    if status in {409, 422}:
        return Stale(f"{where} refuses the change ({status}): {message}; look again and plan anew")
    if status == 410:
        return Expired(f"{where}: {message}")
    if status in {429, 503}:
        details = told.get("details") if isinstance(told, dict) else None
        asked = details.get("retryAfterSeconds") if isinstance(details, dict) else None
        after = str(retry_after if retry_after is not None else asked)
        return Throttled(f"{where} is busy ({status}): {message}", float(after) if after.isdecimal() else 1.0)
    if status >= 500 and (away := _AWAY.search(message)):
        return Throttled(f"{where}: admission webhook '{away['name']}' does not answer, so nothing was applied", 1.0)
    if status >= 500 and verb in CHANGING:
        return Ambiguous(f"{where} failed ({status}) on {verb} {path}: {message}; it may be applied")
    return Unreachable(f"{where} answers {verb} {path} with {status}: {message}")


def lacks_right(raw: bytes) -> bool:
    """Whether a 403 is about rights, by its words."""
    return _NO_RIGHT.search(raw.replace(b'\\"', b'"').decode("utf-8", "replace")) is not None


def _denied(where: str, status: int, message: str) -> Denied | None:
    """Admission's refusal by its words: the code is whatever the policy or the webhook chose."""
    for kind, form in (("policy", _POLICY), ("webhook", _WEBHOOK)):
        if found := form.search(message):
            reason = found["why"] or "no reason given"
            said = f"admission {kind} '{found['name']}' refuses the change ({status}): {reason}"
            return Denied(f"{where}: {said}; ask who looks after this {kind}", found["name"])
    return None


def _causes(told: Any) -> bool:
    """Whether the server says which fields are wrong. A failed `test` of a patch has no causes."""
    details = told.get("details") if isinstance(told, dict) else None
    return bool(isinstance(details, dict) and details.get("causes"))


def watch_error(where: str, path: str, told: dict[str, Any]) -> VqError:
    """The error that stands for an ERROR event of a watch."""
    code, message = int(told.get("code", 0)), clean(told.get("message", ""), limit=300)
    if code == 410:
        return Expired(f"{where}: {message}")
    return Unreachable(f"{where}: the watch of {path} ended with {code}: {message}")


def lost(error: BaseException, message: str) -> Unreachable:
    """An answer that did not come: Slow where it is only late."""
    return Slow(message) if isinstance(error, TimeoutError | Slow) else Unreachable(message)


def why(error: BaseException) -> str:
    """What a client library says, in one clean line."""
    if isinstance(error, TimeoutError):
        return f"no answer within {CALL_SECONDS:.0f} s"
    return clean(error, limit=200) or type(error).__name__
