"""Health bodies written from grammars of the known forms: what says "ill" in any of them is never green."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actions.clients.health_body import not_well, verdict_of
from actions.clients.http import Answer
from actions.model.services import HttpService
from actions.model.words import HealthState

SERVICE = HttpService(url="http://127.0.0.1:1")
Body = Any

NAMES = st.sampled_from(["db", "redis", "disk space", "queue:time", "mail-sender", "X", "http"])
NOISE = st.dictionaries(
    st.sampled_from(["version", "uptime", "timestamp", "host", "totalDuration", "description", "tags", "notes"]),
    st.none() | st.integers(0, 9_999) | st.sampled_from(["2.4.1", "blue", ""]) | st.lists(st.just("a"), max_size=2),
    max_size=3,
)
GOOD = {
    "spring": ["UP"],
    "asp.net": ["Healthy", 2],
    "microprofile": ["UP"],
    "terminus": ["ok", "up"],
    "health+json": ["pass", "ok", "up"],
    "by hand": ["ok", "healthy", "success", True, 200],
}
BAD = {
    "spring": ["DOWN", "OUT_OF_SERVICE"],
    "asp.net": ["Unhealthy", 0],
    "microprofile": ["DOWN"],
    "terminus": ["error", "down", "shutting_down"],
    "health+json": ["fail", "error", "down"],
    "by hand": ["not ok", "unhealthy", "failed", False, 503, "database is down", "Service Unavailable"],
}
FORMS = st.sampled_from(sorted(GOOD))


def keyed(draw: st.DrawFn, body: Body) -> Body:
    """The same with keys in some other case."""
    turn = draw(st.sampled_from([str, str.upper, str.title]))
    if isinstance(body, dict):
        return {turn(key) if key in KNOWN else key: keyed(draw, value) for key, value in body.items()}
    return [keyed(draw, one) for one in body] if isinstance(body, list) else body


KNOWN = {
    "status",
    "state",
    "outcome",
    "checks",
    "components",
    "details",
    "entries",
    "info",
    "error",
    "name",
    "services",
}


@st.composite
def check(draw: st.DrawFn, form: str, well: bool) -> Body:
    """What one check says, with what is written around it."""
    word = draw(st.sampled_from((GOOD if well else BAD)[form]))
    if form == "by hand" and draw(st.booleans()):
        return word
    key = draw(st.sampled_from(["status", "state"])) if form == "microprofile" else "status"
    return {**draw(NOISE), key: word}


@st.composite
def body(draw: st.DrawFn, well: bool) -> Body:
    """A whole body; an ill one says so of itself, of one of its checks, or of both."""
    form = draw(FORMS)
    names = draw(st.lists(NAMES, unique=True, max_size=4))
    own_well = well or (bool(names) and draw(st.booleans()))
    fewest = 1 if own_well else 0
    ill = set(draw(st.lists(st.sampled_from(names), min_size=fewest))) if names and not well else set()
    checks = {name: draw(check(form, name not in ill)) for name in names}
    own: Body = draw(st.sampled_from((GOOD if own_well else BAD)[form]))
    key = draw(st.sampled_from(["status", "outcome"])) if form == "microprofile" else "status"
    whole: dict[str, Body] = {**draw(NOISE), key: own}
    if form == "spring":
        place = draw(st.sampled_from(["components", "details", ""]))
        whole |= {place: checks} if place else checks
    elif form == "asp.net":
        whole["entries"] = checks
    elif form == "microprofile":
        whole["checks"] = [{"name": name, **one} for name, one in checks.items()]
    elif form == "terminus":
        whole |= {"info": {name: one for name, one in checks.items() if name not in ill}, "details": checks}
        whole["error"] = {name: one for name, one in checks.items() if name in ill}
    elif form == "health+json":
        whole["checks"] = {name: [one] for name, one in checks.items()}
    else:
        whole[draw(st.sampled_from(["checks", "services"]))] = checks
    if draw(st.booleans()) and form == "by hand":
        whole = {"data": whole}
    return keyed(draw, whole)


def written(draw: st.DrawFn, value: Body) -> bytes:
    text = json.dumps(value, indent=draw(st.sampled_from([None, 2])), ensure_ascii=draw(st.booleans()))
    return (draw(st.sampled_from(["", "\ufeff", "\n"])) + text).encode()


@given(st.data())
def test_what_says_ill_is_never_green(data: st.DataObject) -> None:
    raw = written(data.draw, data.draw(body(well=False)))
    found = verdict_of(raw)
    assert found.state is not HealthState.OK, raw


@given(st.data())
def test_what_says_ill_of_itself_is_no_proof(data: st.DataObject) -> None:
    form = data.draw(FORMS)
    whole = {**data.draw(NOISE), "status": data.draw(st.sampled_from(BAD[form]))}
    raw = written(data.draw, keyed(data.draw, whole))
    assert verdict_of(raw).state is HealthState.DOWN and not_well(Answer("/health", 200, 0.1, raw), SERVICE)


@given(st.data())
def test_what_says_well_in_every_part_is_not_refused(data: st.DataObject) -> None:
    raw = written(data.draw, data.draw(body(well=True)))
    assert verdict_of(raw).state is HealthState.OK, raw
    assert not not_well(Answer("/health", 200, 0.1, raw), SERVICE)
