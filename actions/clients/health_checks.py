"""The own verdict in a health body of JSON, and the checks it lists, in every form of `health_forms`. Pure.

Walks are bounded; every text that is handed on is cleaned.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pydantic import JsonValue

from actions.clients.health_forms import (
    ASKED,
    CHECKS,
    CODES,
    DEPENDENCIES,
    MESSAGES,
    MIXED,
    NAMES,
    NUMBERED,
    REASONS,
    TROUBLES,
    VERDICTS,
    WRAPPERS,
    YES_IS_ILL,
)
from actions.clients.health_words import meaning, sentence, status_code
from actions.model.text import clean
from actions.model.words import HealthState

MOST = 2_000
"""Values that are looked at; a longer list of checks is not read to its end."""
DEPTH = 12
OK, DEGRADED, DOWN, UNKNOWN = HealthState.OK, HealthState.DEGRADED, HealthState.DOWN, HealthState.UNKNOWN
Keyed = dict[str, JsonValue]


@dataclass(frozen=True)
class Check:
    """One check: UNKNOWN when what it says is not understood; `listed` when it stands in the list of MicroProfile."""

    name: str
    state: HealthState
    reason: str = ""
    listed: bool = False


def own_verdict(body: JsonValue, *, whole: bool = False) -> tuple[HealthState | None, str]:
    """What a check, or a `whole` body, says of itself, and its word for it; None where it says nothing.

    Whatever says ill wins. Then the most usual key decides: others may hold something else under the same name.
    """
    if not isinstance(body, dict):
        return (None, "") if body is None or isinstance(body, list) else (meaning(body), _shown(body))
    keyed = _keyed(body)
    found: list[tuple[HealthState, str]] = []
    for key in WRAPPERS if whole else ():
        inner = keyed.get(key)
        state, word = own_verdict(inner) if isinstance(inner, dict) else (None, "")
        found += [(state, word)] if state is not None else []
    found += [(_by_key(key, keyed[key]), _shown(keyed[key])) for key in VERDICTS if _is_verdict(key, keyed.get(key))]
    found += [(status_code(int(str(keyed[key]))), str(keyed[key])) for key in CODES if _is_code(keyed.get(key))]
    found += [(DOWN, f"'{key}'") for key, value in keyed.items() if key in YES_IS_ILL and value is True]
    if whole and not found:
        found = [(sentence(str(keyed[key])), _shown(keyed[key])) for key in MESSAGES if isinstance(keyed.get(key), str)]
    for wanted in (DOWN, DEGRADED):
        for state, word in found:
            if state is wanted:
                return state, word
    return found[0] if found else (None, "")


def checks_of(body: JsonValue) -> tuple[list[Check], bool]:
    """Every check in a body, and whether all of it was looked at."""
    walk = _Walk()
    if isinstance(body, list):
        walk.members("", body, DEPTH)
    elif isinstance(body, dict):
        walk.inside("", body, DEPTH, top=True)
    return walk.found, walk.left > 0


class _Walk:
    """One pass over a body, bounded in depth and number."""

    def __init__(self) -> None:
        self.found: list[Check] = []
        self.left = MOST

    def inside(self, name: str, body: Keyed, depth: int, *, top: bool = False) -> None:
        """The checks below an object: in its lists of checks, and objects that have a verdict of their own."""
        for raw, value in body.items():
            key = plain_key(raw)
            if self._spent(depth):
                return
            if top and key in WRAPPERS and isinstance(value, dict):
                self.inside("", value, depth - 1, top=True)
            elif key in CHECKS and isinstance(value, dict | list):
                self.members("" if top else name, value, depth - 1, mixed=key in MIXED, ill=key in TROUBLES)
            elif key in TROUBLES and _holds(value):
                self.found.append(Check(name or raw[:80], DOWN, _text(value)))
            elif _is_check(key, value, top):
                self.one(raw, value, depth - 1)

    def members(self, name: str, checks: JsonValue, depth: int, *, mixed: bool = False, ill: bool = False) -> None:
        """The checks of a map or list; one name may stand for several. `ill`: whatever stands there is wrong."""
        before = len(self.found)
        listed = checks.items() if isinstance(checks, dict) else [(name, one) for one in _listed(checks)]
        for raw, value in listed:
            if self._spent(depth):
                return
            if isinstance(value, list):
                self.members(raw, value, depth - 1, mixed=mixed, ill=ill)
            elif ill or (own_verdict(value)[0] is not None if isinstance(value, dict) else not mixed):
                self.one(raw, value, depth - 1, ill=ill)
            elif isinstance(value, dict) and not mixed:
                self.found.append(Check(_name(raw, _keyed(value)), UNKNOWN))
                self.inside(raw, value, depth - 1)
        if not name and isinstance(checks, list):
            self.found[before:] = [replace(check, listed=True) for check in self.found[before:]]

    def one(self, name: str, check: JsonValue, depth: int, *, ill: bool = False) -> None:
        """One check, and those below it where it is not ill itself."""
        if not isinstance(check, dict):
            if isinstance(check, str | bool) or _is_code(check):
                state = DOWN if ill else meaning(check)
                reason = _text(check) if isinstance(check, str) and " " in check.strip() else ""
                self.found.append(Check(_name(name, {}), state, reason))
            return
        keyed = _keyed(check)
        own, _ = own_verdict(check)
        state = DOWN if ill and own is not OK else own or UNKNOWN
        title = _name(name, keyed)
        why = next((_text(keyed[key]) for key in REASONS if isinstance(keyed.get(key), str)), "")
        self.found.append(Check(title, state, why))
        if state is not DOWN:
            self.inside(title, check, depth)

    def _spent(self, depth: int) -> bool:
        self.left = 0 if depth <= 0 else max(self.left - 1, 0)
        return self.left == 0


def _keyed(body: Keyed) -> Keyed:
    """Values by their plain keys; of two keys that are alike the one that says ill stays."""
    found: Keyed = {}
    for raw, value in body.items():
        key = plain_key(raw)
        if key not in found or (not isinstance(value, dict | list) and meaning(value) in (DOWN, DEGRADED)):
            found[key] = value
    return found


def plain_key(raw: str) -> str:
    """A key as the tables of `health_forms` write it."""
    return raw[:60].lower().replace("_", "").replace("-", "").replace(" ", "")


def _is_check(key: str, value: JsonValue, top: bool) -> bool:
    """Whether what stands there outside of any list is a check: an object with a verdict, the word of a dependency."""
    if isinstance(value, dict):
        return key in VERDICTS or own_verdict(value)[0] is not None
    return top and key in DEPENDENCIES and isinstance(value, str | bool)


def _by_key(key: str, value: JsonValue) -> HealthState:
    return meaning(bool(value)) if key in ASKED and isinstance(value, int | float) else meaning(value)


def _is_verdict(key: str, value: JsonValue) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return key in NUMBERED or (key in ASKED and value in (0, 1))
    return isinstance(value, str | bool)


def _is_code(value: JsonValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 100 <= value < 600


def _holds(value: JsonValue) -> bool:
    """Whether something stands under the name of a trouble; a number may be a count of long ago."""
    if isinstance(value, str):
        return value.strip().lower() not in ("", "none", "null", "no", "false", "0", "ok", "nil", "-")
    return value is True or (isinstance(value, list | dict) and bool(value))


def _listed(checks: JsonValue) -> Iterator[JsonValue]:
    if isinstance(checks, list):
        yield from checks


def _name(name: str, keyed: Keyed) -> str:
    own = next((keyed[key] for key in NAMES if isinstance(keyed.get(key), str)), "")
    return clean(name or own or "?", limit=80)


def _text(value: JsonValue) -> str:
    return clean(value, limit=80) if isinstance(value, str) else ""


def _shown(value: JsonValue) -> str:
    return f"'{clean(value, limit=40)}'" if isinstance(value, str) else clean(value, limit=40)
