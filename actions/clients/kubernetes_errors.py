"""What the Kubernetes API answers when it does not do what was asked, as errors with one clear line each."""

import json
from typing import Any

from actions.model.errors import Ambiguous, ExitCode, Refused, Stale, Unreachable, VqError
from actions.model.text import clean

CALL_SECONDS = 10.0
"""Longest that one call may take."""


class NotThere(VqError):
    """The object does not exist (404)."""

    code = ExitCode.UNKNOWN_NAME


class Forbidden(Refused):
    """The credentials lack a right (403); the message names it."""


class Expired(VqError):
    """The resource version of a watch is too old (410): list again."""


class Throttled(Unreachable):
    """The server refused to process the request now (429, 503); nothing was applied. `after` is in seconds."""

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after


def refusal(where: str, verb: str, path: str, status: int, raw: bytes, retry_after: str | None = None) -> VqError:
    """The error that stands for an answer of 400 or more; `retry_after` is its header of that name."""
    try:
        told = json.loads(raw)
        message = clean(told.get("message", ""), limit=400) if isinstance(told, dict) else ""
    except ValueError:
        told, message = {}, clean(raw[:300])
    if status == 403:
        return Forbidden(f"{where}: {message or f'{verb} {path} is forbidden'}; ask for this right")
    if status == 404:
        return NotThere(f"{where}: {message or f'{path} does not exist'}")
    if status in {409, 422}:
        return Stale(f"{where} refuses the change ({status}): {message}; look again and plan anew")
    if status == 410:
        return Expired(f"{where}: {message}")
    if status in {429, 503}:
        details = told.get("details") if isinstance(told, dict) else None
        asked = details.get("retryAfterSeconds") if isinstance(details, dict) else None
        after = str(retry_after if retry_after is not None else asked)
        return Throttled(f"{where} is busy ({status}): {message}", float(after) if after.isdecimal() else 1.0)
    if status >= 500 and verb in {"PATCH", "DELETE"}:
        return Ambiguous(f"{where} failed ({status}) on {verb} {path}: {message}; it may be applied")
    return Unreachable(f"{where} answers {verb} {path} with {status}: {message}")


def watch_error(where: str, path: str, told: dict[str, Any]) -> VqError:
    """The error that stands for an ERROR event of a watch."""
    code, message = int(told.get("code", 0)), clean(told.get("message", ""), limit=300)
    if code == 410:
        return Expired(f"{where}: {message}")
    return Unreachable(f"{where}: the watch of {path} ended with {code}: {message}")


def why(error: BaseException) -> str:
    """What a client library says, in one clean line."""
    if isinstance(error, TimeoutError):
        return f"no answer within {CALL_SECONDS:.0f} s"
    return clean(error, limit=200) or type(error).__name__
