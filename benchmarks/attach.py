"""Re-attaching to a run under way: a new console from its first frame, and a follower of the journal."""

import asyncio
import time
from pathlib import Path

from actions.config import load
from actions.desk import open_viewer
from actions.sandbox import stack
from benchmarks.place import PROGRAM, Place
from benchmarks.table import Figure
from benchmarks.terminal import Terminal


async def followed(config: Path, run_id: str) -> float:
    """Seconds from asking a started desk for the run to its first view."""
    viewer = open_viewer(load(config), config, "sandbox")
    await viewer.start()
    try:
        began = time.perf_counter()
        views = viewer.follow(run_id)
        await anext(views)
        seconds = time.perf_counter() - began
        await views.aclose()  # type: ignore[attr-defined]
        return seconds
    finally:
        await viewer.close()


def measure(place: Place) -> list[Figure]:
    """While a rollback asks for hundreds of proofs from outside."""
    facts = place.stack()
    text = facts.config.read_text().replace(
        "[environments.sandbox.policy]", "[environments.sandbox.policy]\nproofs = 100"
    )
    config = place.config("attach", text)
    stack.break_(facts.directory, "bad-release")
    run = place.call("--config", str(config), "rollback", "--last-good", "--yes", "--json")["run"]
    with Terminal([*PROGRAM, "--config", str(config)], place.environment) as terminal:
        frame = terminal.shows("sandbox")
        shown = terminal.shows("rollback 2.") - frame
    follow = asyncio.run(followed(config, run))
    place.call("--config", str(config), "runs", "follow", run, "--json")
    stack.mend(facts.directory)
    return [
        Figure("re-attach: run shown after the first frame", shown, "s", 1),
        Figure("re-attach: follower's first view", follow, "s", 1),
    ]
