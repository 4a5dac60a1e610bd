"""What a health body says beside its status: words of several conventions, and the named checks. Pure."""

from dataclasses import dataclass

from pydantic import JsonValue

from actions.model.words import HealthState

_GOOD = {"ok", "okay", "pass", "up", "healthy", "alive", "ready", "serving", "true", "success", "green"}
_WARN = {"warn", "warning", "degraded", "yellow", "partial"}
_BAD = {"fail", "failed", "failing", "down", "unhealthy", "error", "critical", "unavailable", "false", "red"}
_BAD |= {"out_of_service", "not_serving"}


@dataclass(frozen=True)
class Said:
    """The service's own verdict; UNKNOWN when it says none. `detail` names what is not well, `reasons` says why."""

    state: HealthState
    detail: str = ""
    reasons: str = ""


def said(body: JsonValue, text: str) -> Said:
    """The verdict in a health body: JSON with `status`, or one plain word. A named check that fails counts."""
    if not isinstance(body, dict):
        return Said(_word(text if len(text) <= 40 else ""))
    own = next((body[key] for key in ("status", "state", "health", "healthy") if key in body), None)
    checks = next((body[key] for key in ("checks", "components", "details", "entries") if key in body), None)
    states = {name: (_word(_status(one)), _reason(one)) for name, one in _members(checks)}
    bad = {name: why for name, (state, why) in states.items() if state is HealthState.DOWN}
    warned = {name: why for name, (state, why) in states.items() if state is HealthState.DEGRADED}
    state = _word(own)
    if state is HealthState.OK and bad:
        state = HealthState.DEGRADED  # the service says it copes; what fails below it is said all the same
    wrong = bad or warned
    reasons = ", ".join(f"{name}: {why}" if why else name for name, why in wrong.items())
    return Said(state, reasons[:200] if len(wrong) == 1 else ", ".join(wrong)[:200], reasons[:400])


def _members(checks: JsonValue) -> list[tuple[str, JsonValue]]:
    if isinstance(checks, dict):
        return [(name, one[0] if isinstance(one, list) and one else one) for name, one in list(checks.items())[:50]]
    if isinstance(checks, list):
        return [(str(one.get("name", "?")), one) for one in checks[:50] if isinstance(one, dict)]
    return []


def _status(check: JsonValue) -> JsonValue:
    return check.get("status", check.get("healthy")) if isinstance(check, dict) else check


def _reason(check: JsonValue) -> str:
    if not isinstance(check, dict):
        return ""
    text = next((check[key] for key in ("error", "message", "output", "description") if check.get(key)), "")
    return text[:80] if isinstance(text, str) else ""


def _word(value: JsonValue) -> HealthState:
    word = str(value).strip().strip('"').lower()
    if word in _GOOD:
        return HealthState.OK
    if word in _WARN:
        return HealthState.DEGRADED
    return HealthState.DOWN if word in _BAD else HealthState.UNKNOWN
