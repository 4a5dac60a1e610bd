"""What a health answer says: words of several conventions, and the named checks. Pure.

The one judgement of a health answer for the dashboard, for the proofs of a run and for the drivers.
"""

from dataclasses import dataclass

from pydantic import JsonValue

from actions.clients.http_answer import Answer
from actions.model.words import HealthState

_OWN = ("status", "state", "health", "healthy", "ready", "ok")
_GOOD = {"ok", "okay", "pass", "passing", "up", "healthy", "alive", "live", "ready", "serving", "true", "success"}
_GOOD |= {"green", "good", "normal", "running", "active", "available", "online", "operational"}
_WARN = {"warn", "warning", "degraded", "yellow", "partial"}
_BAD = {"fail", "failed", "failing", "failure", "down", "unhealthy", "error", "critical", "unavailable", "false", "red"}
_BAD |= {"out_of_service", "not_serving", "not_ready", "unready", "broken", "dead", "offline", "stopped", "fatal"}


@dataclass(frozen=True)
class Said:
    """The service's own verdict; UNKNOWN when it says none. `detail` names what is not well, `reasons` says why."""

    state: HealthState
    detail: str = ""
    reasons: str = ""


def health_of(answer: Answer) -> Said:
    """What a health answer says; not whether it is a good one by its status."""
    body = answer.json()
    return said(body, "" if isinstance(body, dict) else answer.text(1))


def not_well(answer: Answer) -> str:
    """Why a health answer is no proof that the service is well; empty when it is one. A status of 200 is not enough."""
    if not answer.good:
        return answer.reason
    found = health_of(answer)
    return f"answers {answer.status}, but {found.detail}" if found.state is HealthState.DOWN else ""


def said(body: JsonValue, text: str) -> Said:
    """The verdict in a health body: JSON with `status`, or one plain word. A named check that fails counts.

    A service that calls itself well, or degraded, copes with a check that fails: degraded. One that says nothing of
    itself is as bad as its worst check, and a word for itself that nobody knows is no word for well.
    """
    if not isinstance(body, dict):
        state = _word(text if len(text) <= 40 else "")
        return Said(state, f"says '{text}'" if state is HealthState.DOWN else "")
    own = next((body[key] for key in _OWN if isinstance(body.get(key), str | bool)), None)
    state = _word(own)
    known = state is not HealthState.UNKNOWN
    names, worst, reasons = _checks(body)
    if worst is HealthState.DOWN and state is not HealthState.DOWN:
        state = HealthState.DEGRADED if known else HealthState.DOWN
    elif own is not None and not known:
        return Said(HealthState.DEGRADED, f"says '{str(own)[:40]}'", reasons)
    detail = (reasons if len(names) == 1 else ", ".join(names))[:200]
    return Said(state, detail or (f"says '{str(own)[:40]}'" if state is HealthState.DOWN else ""), reasons)


def _checks(body: dict[str, JsonValue]) -> tuple[list[str], HealthState, str]:
    """The names of the checks that are not well, how bad the worst of them is, and their reasons."""
    checks = next((body[key] for key in ("checks", "components", "details", "entries") if key in body), None)
    found = [(name, _word(_status(one)), _reason(one)) for name, one in _members(checks)]
    for state in (HealthState.DOWN, HealthState.DEGRADED):
        wrong = {name: why for name, how, why in found if how is state}
        if wrong:
            reasons = ", ".join(f"{name}: {why}" if why else name for name, why in wrong.items())
            return list(wrong), state, reasons[:400]
    return [], HealthState.UNKNOWN, ""


def _members(checks: JsonValue) -> list[tuple[str, JsonValue]]:
    """Every check by its name; a name may stand for several of them, as one for each node."""
    if isinstance(checks, dict):
        return [(name, one) for name, held in checks.items() for one in (held if isinstance(held, list) else [held])]
    if isinstance(checks, list):
        return [(str(one.get("name", "?")), one) for one in checks if isinstance(one, dict)]
    return []


def _status(check: JsonValue) -> JsonValue:
    return check.get("status", check.get("healthy")) if isinstance(check, dict) else check


def _reason(check: JsonValue) -> str:
    if not isinstance(check, dict):
        return ""
    text = next((check[key] for key in ("error", "message", "output", "description") if check.get(key)), "")
    return text[:80] if isinstance(text, str) else ""


def _word(value: JsonValue) -> HealthState:
    word = str(value).strip().strip('"').lower().replace(" ", "_").replace("-", "_")
    if word in _GOOD:
        return HealthState.OK
    if word in _WARN:
        return HealthState.DEGRADED
    return HealthState.DOWN if word in _BAD else HealthState.UNKNOWN
