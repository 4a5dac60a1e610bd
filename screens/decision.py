"""The challenge key: a decision that reflex, buffered keys, repeats and paste cannot make (rule 1, R1).

The key is drawn at random on the screen, differs each time, and shares no letter with anything that works there. Keys
in the first half second are dropped; a key that arrives in a stream of keys is a repeat or a paste, and is dropped too.
"""

import random
import string
from collections.abc import Collection
from enum import Enum

from screens.clock import Clock

SETTLE_SECONDS = 0.5
REPEAT_SECONDS = 0.7
"""The longest usual delay before a held key starts to repeat."""
BURST_SECONDS = 0.15
_UNREADABLE = "ILOQ"  # look like 1, 0 or each other in some fonts


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
        used = {key.upper() for key in taken} | set(_UNREADABLE) | {Challenge._last}
        self.key = source.choice([letter for letter in string.ascii_uppercase if letter not in used])
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
