"""A sweep of 1,000 HTTP targets against bare httpx: `health_sweep` as figures of the table."""

import asyncio

from benchmarks import health_sweep
from benchmarks.place import Place, answering
from benchmarks.table import Figure

TARGETS = 1_000


def measure(place: Place) -> list[Figure]:
    """Warm sweeps, against the better of the two bare ones: seconds of the wall and of the processor."""
    with answering(TARGETS) as urls:
        found = asyncio.run(health_sweep.compare([int(url.rpartition(":")[2]) for url in urls]))
    figures = []
    for key, words in (("seconds", ""), ("cpu_seconds", ", processor")):
        bare = min(found[name]["warm"][key] for name in found if name.startswith("bare"))
        ours = found["vq-tui"]["warm"][key]
        figures.append(
            Figure(f"sweep of {TARGETS:,} targets{words}", ours, "s", 1.5, bare, of_baseline=True, note="httpx")
        )
    return figures
