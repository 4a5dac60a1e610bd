"""Memory of a console that stays open for days: when garbage is collected, and how the threads share it.

A whole collection with 1,000 targets stops every thread for 80 ms, so it is made while nobody types.
"""

import ctypes
import gc
import time

QUIET_SECONDS = 2.0
EVERY_SECONDS, LATEST_SECONDS = 60.0, 300.0
"""A whole collection is due, and is made even while somebody types."""

_ARENA_MAX = -8
_YOUNG = (1_000, 10, 1_000_000)
"""Young garbage is collected often, in a few ms; the last figure keeps Python from whole collections of its own."""


class Tidier:
    """Collects old garbage at quiet moments; `tick` now and then, from one thread."""

    def __init__(self) -> None:
        self._collected = time.monotonic()
        self._typed = 0.0
        self._settled = False

    def begin(self) -> None:
        """The program is loaded: none of that will ever be garbage."""
        gc.freeze()
        gc.set_threshold(*_YOUNG)
        gc.enable()

    def typed(self) -> None:
        """Somebody types."""
        self._typed = time.monotonic()

    def tick(self) -> None:
        """Collect if it is due and quiet. The first time, what stays is set aside: clients and connections live on."""
        now = time.monotonic()
        waited = now - self._collected
        if waited < EVERY_SECONDS or (now - self._typed < QUIET_SECONDS and waited < LATEST_SECONDS):
            return
        gc.collect()
        if not self._settled:
            gc.freeze()
            self._settled = True
        self._collected = time.monotonic()


def share_memory() -> None:
    """With glibc all threads take memory from one pool: one for each costs 8 MB. Call before threads are started."""
    choose = getattr(ctypes.CDLL(None), "mallopt", None)
    if choose is not None:
        choose(_ARENA_MAX, 1)
