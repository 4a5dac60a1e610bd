"""The verdict on a database or cache: that it answers is not yet health."""

from collections.abc import Collection, Iterable

from actions.health.judge import verdict
from actions.model.health import Figure
from actions.model.words import Gate, HealthState

UNREAD = "unread"
"""The word for a server that answers and tells nothing to judge it by."""


def data_verdict(
    figures: Iterable[Figure],
    words: dict[str, str],
    *,
    heavy: frozenset[str] = frozenset(),
    needed: Collection[str] = (),
) -> tuple[HealthState, str]:
    """As `verdict`, but UNKNOWN where nothing besides the latency, or a needed figure that is there, was judged."""
    listed = list(figures)
    state, word = verdict(listed, words, heavy)
    if state is not HealthState.OK:
        return state, word
    unread = {figure.name for figure in listed if figure.gate is Gate.INCONCLUSIVE}
    judged = {figure.name for figure in listed} - unread - {"latency"}
    return (HealthState.UNKNOWN, UNREAD) if not judged or unread.intersection(needed) else (state, word)
