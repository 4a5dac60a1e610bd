"""By what a release is known once it serves: its own word, its version, or what stands there. Pure.

A version is only demanded where it is known that the release says it: its own word, learned while it served, or the
platform's name where platform and service are seen to agree. Else what stands there proves it, by reference.
"""

from typing import NamedTuple

from actions.model.plan import Release
from actions.model.platform import Artefact
from actions.model.way_back import RollbackFacts
from actions.releases.choice import serving


class Expected(NamedTuple):
    """What right answers name; with None, anything but `others`, the words of other releases.

    With `by_reference` what stands there has to be seen as well.
    """

    word: str | None
    by_reference: bool
    others: frozenset[str] = frozenset()


def expected(facts: RollbackFacts) -> Expected:
    """What the chosen release is to be known by. Never less than its version where words agree, or nobody knows."""
    to, current = facts.choice.to, serving(facts)
    assert to is not None
    now = _answered_now(facts, current)
    if never_observed(to) and (current is None or current.reference != to.reference):
        rows = [one for one in facts.releases if one.reference != to.reference]
        words = {now, *(one.version for one in rows), *(one.answered for one in rows)}
        return Expected(None, True, frozenset(word for word in words if word is not None and word != to.version))
    if to.answered is None and current is not None and now is not None and now != current.version:
        return Expected(None, True)
    word = to.answered or to.version
    another = current is None or current.reference != to.reference
    return Expected(word, word != to.version or (another and now == word))


def never_observed(release: Release) -> bool:
    """Whether nobody has seen it serve: what it calls itself is not known, and may be another word than its tag."""
    return release.answered is None and release.samples == 0


def differs(facts: RollbackFacts) -> str:
    """How the release that serves calls itself, if not as the platform does; else empty."""
    current = serving(facts)
    now = _answered_now(facts, current)
    return now if current is not None and now is not None and now != current.version else ""


def _answered_now(facts: RollbackFacts, current: Artefact | None) -> str | None:
    """The own word of what serves; None when it is not known, or when what answers is another release still."""
    if current is None:
        return None
    row = next((one for one in facts.releases if one.reference == current.reference), None)
    if row is not None and row.answered is not None:
        return row.answered
    said = facts.health.version if facts.health is not None else None
    others = {one.version for one in facts.releases if one.reference != current.reference}
    return None if said in others else said
