"""The challenge key: a decision that reflex, buffered keys, repeats and paste cannot make (rule 1, R1).

The key is drawn at random on the screen, differs each time, and is no key of anything that works there. Keys
in the first half second are dropped; a key that arrives in a stream of keys is a repeat or a paste, and is dropped too.
"""

import random
from collections.abc import Collection
from enum import Enum

from screens.clock import Clock

SETTLE_SECONDS = 0.5
REPEAT_SECONDS = 0.7
"""The longest usual delay before a held key starts to repeat."""
BURST_SECONDS = 0.15
KEYS = "ABCDEFGHJKMNPRSTUVWXYZ23456789"
"""What may be drawn: no I, L, O, Q, 1 or 0, which look like each other in some fonts."""

FEWEST = 6
"""So many must be left on every screen that asks: fewer are guessed, and repeat too soon."""


def free(taken: Collection[str]) -> list[str]:
    """The keys that may be drawn where those of `taken` do something, in either case."""
    used = {key.upper() for key in taken}
    return [key for key in KEYS if key not in used]


class Press(Enum):
    """What a key press meant."""

    EARLY = "too early"
    REPEATED = "repeated"
    OTHER = "another key"
    CONFIRMED = "confirmed"


class Challenge:
    """One question and the key that answers it with yes."""

    _last = ""

    def __init__(self, clock: Clock, taken: Collection[str], source: random.Random) -> None:
        self.key = source.choice([key for key in free(taken) if key != Challenge._last])
        Challenge._last = self.key
        self._clock = clock
        self._armed_at = clock.monotonic()
        self._seen: dict[str, float] = {}
        self._any = float("-inf")
        self._spent = False

    def rearm(self) -> None:
        """The question was hidden and is seen anew: the half second starts again."""
        self._armed_at = self._clock.monotonic()

    def press(self, key: str) -> Press:
        """Judge one key. Only the drawn letter, in either case, pressed once and by itself, confirms; and only once."""
        now = self._clock.monotonic()
        letter = key.upper()
        before, any_before = self._seen.get(letter, float("-inf")), self._any
        self._seen[letter] = self._any = now
        if now - self._armed_at < SETTLE_SECONDS:
            return Press.EARLY
        if letter != self.key:
            return Press.OTHER
        if self._spent or now - before < REPEAT_SECONDS or now - any_before < BURST_SECONDS:
            return Press.REPEATED
        self._spent = True
        return Press.CONFIRMED
