"""The footer: only keys that work here and now, in as many words as fit."""

from collections.abc import Mapping, Sequence

from screens.cells import Row, row
from screens.keymap import shown
from screens.registry import Action

_ALWAYS = ("all.leave", "all.help")


def foot(actions: Sequence[Action], keys: Mapping[str, str], width: int) -> Row:
    """Keys and verbs in `width` columns; from the end, actions give way until the rest fits. Help and leave stay."""
    kept = list(actions)
    while kept:
        line = _line(kept, keys)
        if line.width <= width:
            return line
        droppable = [action for action in kept if action.id not in _ALWAYS]
        if not droppable:
            break
        kept.remove(droppable[-1])
    return _line(kept, keys)


def _line(actions: Sequence[Action], keys: Mapping[str, str]) -> Row:
    line = Row()
    for index, action in enumerate(actions):
        line += row(("  " if index else "", "text"), (shown(keys[action.id]), "key"), (f" {action.verb}", "dim"))
    return line
