"""What the word, number or sentence of a health verdict means. Pure, and linear in the length of the text.

Sources of the words: Spring Boot (`UP`, `DOWN`, `OUT_OF_SERVICE`), ASP.NET (`Healthy`, `Degraded`, `Unhealthy`),
MicroProfile (`UP`, `DOWN`), draft-inadarei-api-health-check (`pass`, `warn`, `fail`, and the words it allows beside
them), NestJS Terminus (`ok`, `error`, `shutting_down`), Consul (`passing`, `warning`, `critical`), Elasticsearch
(`green`, `yellow`, `red`), gRPC health (`SERVING`, `NOT_SERVING`), Kubernetes (`[+]ping ok`, `[-]etcd failed`).
"""

import math
import re

from pydantic import JsonValue

from actions.model.words import HealthState

LONGEST = 400
"""Characters of a sentence; a verdict that is longer is not understood."""
LONGEST_LIST = 4_000
"""The same of checks in lines, as Kubernetes lists them."""

OK, DEGRADED, DOWN, UNKNOWN = HealthState.OK, HealthState.DEGRADED, HealthState.DOWN, HealthState.UNKNOWN


def words_of(text: str) -> frozenset[str]:
    """A set of words, written as a text."""
    return frozenset(text.split())


_GOOD = words_of(
    "ok okay pass passed passes passing up healthy alive live ready serving true yes success successful succeeded green"
    " good normal running active available online operational fine connected reachable pong well works working"
)
_WARN = words_of("warn warning warnings degraded yellow amber partial partially impaired slow")
_BAD = words_of(
    "fail failed failing fails failure failures down unhealthy error errors errored erroring critical unavailable"
    " false red broken dead offline stopped stopping fatal unready disconnected unreachable crashed crash outage"
    " sick bad refused timeout unable inactive disabled nok ko lost exception panic unsuccessful aborted"
    " starting booting initializing initialising loading restarting draining terminating maintenance terminated"
)
_BAD_PAIRS = (("out", "of", "service"), ("shutting", "down"), ("shut", "down"), ("timed", "out"), ("warming", "up"))
_NOT = words_of("not never cannot cant can't isn't isnt aren't arent won't wont non without no zero 0")
_FILLING = words_of(
    "all systems system everything every is are am i it the a and service services server api app application status"
    " health healthy check checks state now database db cache redis node nodes go to ping response result http code"
    " healthz livez readyz"
)
_DOUBT = words_of(
    "wait waiting until if when unless before after soon will would should may might could try trying retry retrying"
    " pending almost expected maybe become becoming getting"
)
_WORDS = re.compile(r"[a-z0-9']+")
_PARTS = re.compile(r"[:;,.()|=!\[\]{}\n]+|\s-+\s")
_CHECK_LINE = re.compile(r"\[([+-])\]")
_ENUM = {0: DOWN, 1: DEGRADED, 2: OK}
"""Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus: Unhealthy 0, Degraded 1, Healthy 2."""


def meaning(value: JsonValue) -> HealthState:
    """What a value under a verdict's key says; UNKNOWN when that is not understood."""
    if isinstance(value, bool):
        return OK if value else DOWN
    if isinstance(value, int | float):
        return number(value)
    return sentence(value) if isinstance(value, str) else UNKNOWN


def number(value: float) -> HealthState:
    """0, 1 and 2 as ASP.NET counts, 100 to 599 as a status of HTTP."""
    if not math.isfinite(value) or value != int(value):
        return UNKNOWN
    return _ENUM.get(int(value), status_code(value))


def status_code(value: float) -> HealthState:
    """A status of HTTP: 2xx is well, 4xx and 5xx are not."""
    if 200 <= value < 300:
        return OK
    return DOWN if 400 <= value < 600 else UNKNOWN


def sentence(text: str) -> HealthState:
    """A word, or a short sentence: anything ill in it makes it ill, and only a sentence that is understood is well."""
    longest = LONGEST_LIST if _CHECK_LINE.match(text.lstrip()[:3]) else LONGEST
    text = text[: longest + 1].strip().lower().replace("_", " ").replace("\u2019", "'")
    words = _WORDS.findall(text)
    if len(words) == 1 and words[0].isdecimal():
        return status_code(int(words[0]))
    if any(_ill(words, index) for index in range(len(words))) or "-" in _CHECK_LINE.findall(text):
        return DOWN
    if _WARN.intersection(words):
        return DEGRADED
    return OK if words and len(text) <= longest and _well(text) else UNKNOWN


def _ill(words: list[str], index: int) -> bool:
    """Whether the word there says that something is not well: by itself, with the next, or by denying a good one."""
    denied = bool(_NOT.intersection(words[max(0, index - 2) : index]))
    if words[index] == "no":  # "ready: no" is an answer, "no errors" is not
        return index == len(words) - 1
    if any(tuple(words[index : index + len(pair)]) == pair for pair in _BAD_PAIRS):
        return True
    return words[index] in (_GOOD if denied else _BAD)


def _well(text: str) -> bool:
    """Whether a sentence without an ill word says "well", as a whole or in one of its parts.

    "UP (3 ms)", "db: ok" and "the server is healthy" do; "ready in 30 s" and "will be up" are not understood.
    """
    if _CHECK_LINE.search(text):  # as Kubernetes lists its checks: the last word of each line is the verdict
        return all(line.split()[-1] in _GOOD for line in text.splitlines() if line.strip())
    return not _DOUBT.intersection(_WORDS.findall(text)) and any(map(_plain, _PARTS.split(text)))


def _plain(part: str) -> bool:
    """Only good words and such as say nothing, at least one of them good; or a few words that "are" one."""
    words = [word for word in _WORDS.findall(part) if not (word.isdecimal() and status_code(int(word)) is OK)]
    if words[-2:-1] in (["is"], ["are"]) and words[-1] in _GOOD and len(words) <= 6:
        return True
    return bool(_GOOD.intersection(words)) and _GOOD.union(_FILLING).issuperset(words)
