"""`vq-tui --version` as a process, against a Python that does nothing."""

import statistics
import subprocess
import sys
import time

from benchmarks.place import PROGRAM, Place
from benchmarks.table import Figure

ROUNDS = 11


def measure(place: Place) -> list[Figure]:
    """Seconds of the wall, the two in turn."""
    cases = {"ours": [*PROGRAM, "--version"], "bare": [sys.executable, "-c", "pass"]}
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(1 + ROUNDS):
        for name, argv in cases.items():
            began = time.perf_counter()
            subprocess.run(argv, env=place.environment, check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - began)
    ours, bare = (statistics.median(taken[1:]) for taken in seconds.values())
    return [Figure("--version", ours, "s", 0.2, bare, note="baseline: python -c pass")]
