"""What a health answer says; the one judgement of it for the dashboard, the proofs of a run and the drivers. Pure.

The rule, whatever the form: what says "ill" anywhere is never well; what is not understood is neither well nor a
proof. `health_body = "status-only"` of a service takes the status of HTTP alone.
"""

import json
import re
from dataclasses import dataclass

from pydantic import JsonValue

from actions.clients.health_checks import Check, checks_of, own_verdict, plain_key
from actions.clients.health_forms import NEUTRAL
from actions.clients.health_words import LONGEST_LIST, sentence
from actions.clients.http_answer import Answer
from actions.model.services import HttpService
from actions.model.text import clean
from actions.model.words import HealthState

LIMIT = 256 * 1024
"""Bytes of a body that are read; no health answer is as long."""
PAGE = 100
"""Visible characters of a page of HTML that may be a verdict."""
SETTLES = 'health_body = "status-only" settles it'
_TAG = re.compile(r"<[^<>]*>")
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class HealthVerdict:
    """What the service says of itself. UNKNOWN: not understood; `detail` says what could not be read or is not well.

    `contradicts` says that it calls itself well although what it is made of is not. `reasons` are those of checks.
    """

    state: HealthState
    detail: str = ""
    reasons: str = ""
    contradicts: bool = False

    @property
    def proves(self) -> bool:
        """Whether it may prove a release: well, or degraded by its own account."""
        return self.state in (HealthState.OK, HealthState.DEGRADED) and not self.contradicts


BY_STATUS = HealthVerdict(HealthState.OK)


def health_of(answer: Answer, service: HttpService) -> HealthVerdict:
    """What the body of a health answer says; not whether its status is a good one."""
    if service.health_body == "status-only":
        return BY_STATUS
    return verdict_of(answer.body)


def not_well(answer: Answer, service: HttpService) -> str:
    """Why a health answer is no proof that the service is well; empty when it is one. A status of 200 is not enough."""
    if not answer.good:
        return answer.reason
    verdict = health_of(answer, service)
    if verdict.proves:
        return ""
    hint = "" if verdict.state is HealthState.DOWN else f" ({SETTLES})"
    return f"answers {answer.status}, but {verdict.detail}{hint}"


def verdict_of(body: bytes) -> HealthVerdict:
    """The verdict in a body: JSON in any form, or words. An empty one says nothing, so its status counts."""
    if not body.strip():
        return BY_STATUS
    if len(body) > LIMIT:
        return _not_understood(f"{len(body) // 1024} KiB")
    try:
        return json_verdict(json.loads(body))
    except (ValueError, RecursionError):
        return text_verdict(_decoded(body))


def text_verdict(text: str) -> HealthVerdict:
    """The verdict of a body in words. A page of HTML has one only where all that it shows is such a word."""
    page = text.lstrip()[:1] == "<"
    words = " ".join(_TAG.sub(" ", text).split()) if page else text.strip()
    state = sentence(words) if len(words) <= PAGE or not page else HealthState.UNKNOWN
    shown = f"'{clean(words, limit=60)}'"
    broken = words.lstrip("\ufeff")[:1] in ("{", "[") and words[:3] not in ("[+]", "[-]")
    if state is HealthState.UNKNOWN or (state is HealthState.OK and broken):
        return _not_understood("a page of HTML" if page else f"broken JSON {shown}" if broken else shown)
    return HealthVerdict(state, "" if state is HealthState.OK else f"says {shown}")


def json_verdict(body: JsonValue) -> HealthVerdict:
    """The verdict of a body of JSON: its own word, joined with the checks it lists.

    A service that calls itself well, or degraded, copes with a check that fails: degraded. In the list of MicroProfile
    it contradicts itself, because there the verdict is that of all checks: no proof either. One that says nothing of
    itself is as bad as its worst check.
    """
    if body and isinstance(body, dict) and all(plain_key(key) in NEUTRAL for key in body):
        return BY_STATUS
    own, word = own_verdict(body, whole=True)
    checks, whole = checks_of(body)
    wrong = _worst(checks)
    worst = wrong[0].state if wrong else None
    detail, reasons = _named(wrong)
    if own is HealthState.DOWN or (worst is HealthState.DOWN and own in (None, HealthState.UNKNOWN)):
        return HealthVerdict(HealthState.DOWN, detail or f"says {word}", reasons)
    if own is HealthState.UNKNOWN or not whole:
        return _not_understood(word if own is HealthState.UNKNOWN else "too many checks", reasons)
    if worst is HealthState.DOWN:
        contradicts = own is HealthState.OK and any(check.listed for check in wrong)
        return HealthVerdict(HealthState.DEGRADED, detail, reasons, contradicts)
    if own is HealthState.DEGRADED or worst is HealthState.DEGRADED:
        return HealthVerdict(HealthState.DEGRADED, detail or f"says {word}", reasons)
    if own is HealthState.OK or (checks and all(check.state is HealthState.OK for check in checks)):
        return HealthVerdict(HealthState.OK)
    return _not_understood(word or "it holds none that is known")


def _not_understood(what: str, reasons: str = "") -> HealthVerdict:
    return HealthVerdict(HealthState.UNKNOWN, f"its verdict is not understood: {what}", reasons)


def _worst(checks: list[Check]) -> list[Check]:
    """The checks that are not well, of the worst kind only."""
    for state in (HealthState.DOWN, HealthState.DEGRADED):
        if wrong := [check for check in checks if check.state is state]:
            return wrong
    return []


def _named(wrong: list[Check]) -> tuple[str, str]:
    """Their names, and their names with reasons; of a single one the reason is the more telling."""
    named: dict[str, str] = {}
    for one in wrong:
        named[one.name] = named.get(one.name) or one.reason
    reasons = ", ".join(f"{name}: {why}" if why else name for name, why in named.items())[:400]
    return (reasons if len(named) == 1 else ", ".join(named))[:200], reasons


def _decoded(body: bytes) -> str:
    start = body[: 4 * LONGEST_LIST]
    return start.decode(_MARKS.get(start[:2], "utf-8-sig"), "replace")
