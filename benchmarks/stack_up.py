"""`vq-tui sandbox up` from nothing to a stack whose every part is well, once the program has run before."""

import time

from actions.sandbox import stack
from benchmarks.place import Place
from benchmarks.table import Figure

ROUNDS = 3


def measure(place: Place) -> list[Figure]:
    """Seconds of the wall for the whole command, best of a few."""
    place.stack()
    seconds = []
    for number in range(ROUNDS):
        directory = place.directory / f"up-{number}"
        began = time.perf_counter()
        place.call("sandbox", "up", "--dir", str(directory), "--json")
        seconds.append(time.perf_counter() - began)
        stack.down(directory)
    return [Figure("stack up", min(seconds), "s", 5, note=f"best of {ROUNDS}")]
