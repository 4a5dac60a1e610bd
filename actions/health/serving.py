"""Whose answers count: those of the version that serves now, since it began to. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

PATIENCE = 3
"""A version that answers in turn with others has left when it is silent for so many times its longest silence."""


@dataclass(frozen=True, slots=True)
class Serving:
    """`versions` answer now, in no order; the answers from `start` on are theirs, none of them of one that left."""

    versions: frozenset[str]
    start: int


def serving(versions: Sequence[str | None]) -> Serving:
    """Which versions serve, by the version each answer named, oldest first.

    After a clean change the earlier version has left with its last answer. Where versions answered in turn (a canary,
    a rolling change, a router that flaps) nothing tells a pause from an end, so all of them count until the silence of
    one is long beside its earlier ones: errors of a part of the traffic stay in view. Answers that name no version
    count with those around them; the ones between two versions are of neither.
    """
    named = [(index, version) for index, version in enumerate(versions) if version is not None]
    last: dict[str, int] = {}
    longest: dict[str, int] = {}
    for place, (_, version) in enumerate(named):
        silent = place - last[version] - 1 if version in last else 0
        longest[version] = max(longest.get(version, 0), silent)
        last[version] = place
    now = frozenset(one for one, place in last.items() if len(named) - 1 - place <= PATIENCE * longest[one])
    left = [place for one, place in last.items() if one not in now]
    return Serving(now, named[max(left) + 1][0] if left else 0)
