"""A blue-green rollback on the embedded stack: from the confirmation to verified health, and what users lost.

The clock is the run's own: `decided` is when the confirmed request was committed, `recovered` when health was proved
from outside. Lost requests are counted by the stack's steady traffic, which remembers every acknowledged write.
"""

import statistics
from datetime import datetime
from typing import Any

from actions.sandbox import stack
from benchmarks.place import Place
from benchmarks.table import Figure

ROUNDS = 3


def took(run: dict[str, Any]) -> float:
    """Seconds from the decision to recovered health."""
    clock = {name: datetime.fromisoformat(at) for name, at in run["clock"].items()}
    return (clock["recovered"] - clock["decided"]).total_seconds()


def measure(place: Place) -> list[Figure]:
    """Emergency rollbacks from a failing release, then one between two healthy releases."""
    facts = place.stack()
    here = ("--config", str(facts.config), "rollback")
    emergencies = []
    for _ in range(ROUNDS):
        stack.break_(facts.directory, "bad-release")
        emergencies.append(place.call(*here, "--last-good", "--yes", "--wait", "--json"))
        stack.mend(facts.directory)
    standby = stack.status(facts.directory).version
    target = next(version for version in ("2.4.0", "2.3.9") if version != standby)
    healthy = place.call(*here, "--to", target, "--reason", "measured", "--yes", "--wait", "--json")
    lost = [run["lost_writes"] for run in (*emergencies, healthy)]
    return [
        Figure("confirm to verified, blue-green", statistics.median(map(took, emergencies)), "s", 1.5),
        Figure("confirm to verified, healthy to healthy", took(healthy), "s", 1.5),
        Figure("downtime, healthy to healthy", healthy["downtime_seconds"], "s", 0),
        Figure(
            "failed requests, healthy to healthy", healthy["failed_requests"], "", 0, note=f"of {healthy['requests']}"
        ),
        Figure("lost writes", sum(lost), "", 0, note=f"{len(lost)} rollbacks"),
    ]
