"""The footer: only keys that work here and now, in as many words as fit."""

from collections.abc import Mapping, Sequence

from screens.cells import Row, row
from screens.keymap import shown
from screens.registry import Action

_ALWAYS = ("all.leave", "all.roll-back", "all.help")
_FIRST = ("filter", "figures", "note", "jump", "next")
"""Methods that give way before all others: what they do waits, and help names them."""


def foot(actions: Sequence[Action], keys: Mapping[str, str], width: int) -> Row:
    """Keys and verbs in `width` columns; what can wait gives way, then actions from the end, until the rest fits.

    Help, leave and the emergency stay.
    """
    kept = list(actions)
    while kept:
        line = _line(kept, keys)
        if line.width <= width:
            return line
        droppable = [action for action in kept if action.id not in _ALWAYS]
        if not droppable:
            break
        waits = [action for action in droppable if action.method in _FIRST]
        kept.remove((waits or droppable)[-1])
    return _line(kept, keys)


def _line(actions: Sequence[Action], keys: Mapping[str, str]) -> Row:
    line = Row()
    for index, action in enumerate(actions):
        line += row(("  " if index else "", "text"), (shown(keys[action.id]), "key"), (f" {action.verb}", "dim"))
    return line
