"""Keys may be moved, never lost: a keymap is checked whole before the first frame (rule 10, textual-facts 3.3)."""

import re
from collections.abc import Mapping

from actions.model.errors import ConfigError
from screens.decision import FEWEST, free
from screens.registry import ACTIONS, PROTECTED, Action, Level, of

SCOPES: dict[str, tuple[str, ...]] = {
    "home": ("all", "list", "home"),
    "rollback": ("all", "rollback"),
    "chosen": ("all", "chosen"),
    "run": ("all", "list", "run"),
    "service": ("all", "list", "service"),
    "history": ("all", "list", "history"),
    "drill": ("all", "list", "drill"),
    "releases": ("all", "list", "releases"),
    "reading": ("all", "list", "reading"),
}
"""Which actions share the keys of one screen."""

ANSWERS = "123456789"
"""Keys that answer the question of a run."""

FOLLOWED = {"rollback": "run", "chosen": "run"}
"""Pages whose place is taken by another once they are confirmed: what acts at once there is drawn on neither, and is
the key of nothing harmless here."""

_NAMED = "escape|enter|tab|space|up|down|left|right|home|end|pageup|pagedown|insert|delete|backspace|f[1-9]|f1[0-2]"
_KEY = re.compile(rf"(?:[!-~]|{_NAMED}|ctrl\+[a-z])")
_AMBIGUOUS = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+j": "enter", "ctrl+h": "backspace", "ctrl+c": "copy"}
_CARELESS = frozenset({"enter", "space", "tab", "escape", "up", "down", "left", "right", "backspace"})
_WORDS = {"escape": "esc", "pageup": "pgup", "pagedown": "pgdn"}


def effective(keys: Mapping[str, str]) -> dict[str, str]:
    """The key of every action once `keys` is applied. Raises ConfigError naming the entry and what to do."""
    known = {action.id: action for action in ACTIONS if action.key and not action.fixed}
    for action_id, key in keys.items():
        _check_entry(action_id, key, known)
    chosen = {action.id: keys.get(action.id, action.key) for action in ACTIONS}
    for scope, scopes in SCOPES.items():
        _check_scope(scope, of(*scopes), chosen)
        _check_challenge(scope, chosen)
        _check_followed(scope, chosen)
    return chosen


def single_keys(scope: str, chosen: Mapping[str, str]) -> set[str]:
    """Keys of one character that do something on that screen; the numbers that answer a run are among them."""
    taken = {chosen[action.id] for action in of(*SCOPES[scope]) if len(chosen[action.id]) == 1}
    taken |= {key for key in _at_once(FOLLOWED.get(scope, ""), chosen) if len(key) == 1}
    return taken | set(ANSWERS) if scope == "run" else taken


def writing_keys(scope: str, chosen: Mapping[str, str]) -> set[str | None]:
    """Keys of that screen that change something, or lead to it."""
    return {chosen[action.id] for action in of(*SCOPES[scope]) if action.writes and chosen[action.id]}


def _at_once(scope: str, chosen: Mapping[str, str]) -> dict[str, Action]:
    """What changes something there by one key, without a question."""
    return {chosen[one.id]: one for one in of(scope) if one.writes and one.level is Level.REVERSIBLE}


def _check_followed(scope: str, chosen: Mapping[str, str]) -> None:
    acts = _at_once(FOLLOWED.get(scope, ""), chosen)
    for action in of(scope):
        danger = acts.get(chosen[action.id])
        if danger is not None:
            raise ConfigError(
                f"console.keys: '{shown(chosen[action.id])}' is '{action.id}' on one page and '{danger.id}' on the one "
                "that takes its place, where it acts at once; give one of them another key"
            )


def _check_challenge(scope: str, chosen: Mapping[str, str]) -> None:
    left = free(single_keys(scope, chosen))
    if len(left) < FEWEST:
        raise ConfigError(
            f"console.keys: on screen '{scope}' only {len(left)} keys are left that a question could draw "
            f"({' '.join(left) or 'none'}), it takes {FEWEST}; move some actions to F1 to F12"
        )


def _check_entry(action_id: str, key: str, known: Mapping[str, Action]) -> None:
    where = f"console.keys: '{action_id}'"
    if action_id not in known:
        raise ConfigError(f"{where} is no action whose key can be moved; known: {', '.join(sorted(known))}")
    if not _KEY.fullmatch(key):
        hidden = " and would hide it" if action_id in PROTECTED else ""
        raise ConfigError(f"{where} is moved to '{key}', which is no key this console can read{hidden}; try F1 to F12")
    if key in _AMBIGUOUS:
        raise ConfigError(f"{where} is moved to {key}, which terminals cannot tell from {_AMBIGUOUS[key]}; use another")
    action = known[action_id]
    if key in _CARELESS and (action.level >= Level.REVERSIBLE or action.writes):
        raise ConfigError(f"{where} changes something and may not be on '{key}', which is pressed without thought")


def _check_scope(scope: str, actions: tuple[Action, ...], chosen: Mapping[str, str]) -> None:
    taken: dict[str, Action] = {}
    for action in actions:
        key = chosen[action.id]
        if key and taken.setdefault(key, action) is not action:
            _clash(scope, key, taken[key], action)


def _clash(scope: str, key: str, first: Action, second: Action) -> None:
    hidden = next((one for one in (first, second) if one.id in PROTECTED), None)
    loss = f"; that would hide '{hidden.verb}', which must always be there" if hidden else ""
    raise ConfigError(
        f"console.keys: on screen '{scope}' the key '{shown(key)}' would mean both "
        f"'{first.id}' and '{second.id}'{loss}; give one of them another key"
    )


def shown(key: str) -> str:
    """How a key is written on the screen."""
    return _WORDS.get(key, key)
