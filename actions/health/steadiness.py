"""What a row keeps showing while its looks waver between two words near a threshold. Pure.

Worse is shown at once; better only once several looks in a row agree. It is for the eye alone: soak, reasons for a
rollback and the proofs of a run go by what each look measured.
"""

from dataclasses import dataclass

from actions.model.words import HealthState

LOOKS_TO_OK = 3
"""So many looks in a row have to be better before a row that was degraded shows it."""
LOOKS_FROM_DOWN = 2
LOOKS_TO_RENAME = 2
"""So many looks in a row have to give the same other word for the same state."""
SLOW_SECONDS = 10.0
"""A row that is looked at more seldom shows what each look finds: there it takes long enough as it is."""

_SEVERITY = {HealthState.OK: 0, HealthState.DEGRADED: 1, HealthState.DOWN: 2}


@dataclass(frozen=True)
class Shown:
    """State and word on the screen; `better` looks in a row were better, `renamed` gave the other word `candidate`."""

    state: HealthState
    word: str
    better: int = 0
    candidate: str = ""
    renamed: int = 0


def next_shown(shown: Shown | None, state: HealthState, word: str, *, anew: bool = False) -> Shown:
    """What to show after a look that found `state` and `word`; `anew` where what went before says nothing of it.

    No data is shown at once, and so is what comes after it.
    """
    found = Shown(state, word)
    if shown is None or anew or HealthState.UNKNOWN in (state, shown.state):
        return found
    if _SEVERITY[state] > _SEVERITY[shown.state] or (state, word) == (shown.state, shown.word):
        return found
    if state is shown.state:
        renamed = shown.renamed + 1 if word == shown.candidate else 1
        return found if renamed >= LOOKS_TO_RENAME else Shown(shown.state, shown.word, 0, word, renamed)
    better = shown.better + 1
    enough = LOOKS_FROM_DOWN if shown.state is HealthState.DOWN else LOOKS_TO_OK
    return found if better >= enough else Shown(shown.state, shown.word, better)
