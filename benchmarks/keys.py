"""Key to frame with 1,000 targets probed and 100,000 runs in the history.

In the history a key counts as answered when the first byte below the band arrives (the clock in the band moves by
itself); a change of screen when the new screen is named. Keys come at random moments between the sweeps.
"""

import random
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from actions.ledger import open_writer
from actions.model.run import Run
from actions.model.words import RunState
from benchmarks.place import PROGRAM, Place, answering, http_services
from benchmarks.table import Figure
from benchmarks.terminal import Terminal
from tests.ledger.plans import make_plan

TARGETS, RUNS, KEYS, SCREENS = 1_000, 100_000, 300, 40
DOWN, UP, ESCAPE = "\x1b[B", "\x1b[A", "\x1b"
BELOW_BAND = re.compile(rb"\x1b\[([2-9]|1[0-9]|2[0-4]);")


def fill(directory: Path, count: int) -> None:
    """A ledger with that many ended runs."""
    plan = make_plan(environment="many", service="s0", target="many/s0")
    begin = datetime(2024, 1, 1, tzinfo=UTC)

    def runs():  # type: ignore[no-untyped-def]
        for number in range(count):
            at = begin + timedelta(minutes=number)
            yield (
                Run(
                    id=f"01PAST{number:020d}", procedure="rollback", procedure_version="1", environment="many",
                    service="s0", target="many/s0", level="emergency", operator="anna", origin="console",
                    state=(RunState.SUCCEEDED, RunState.UNDONE)[number % 2], reason=f"incident {number}",
                    from_version=f"2.{number % 50 + 1}", to_version=f"2.{number % 50}",
                    created_at=at, started_at=at, ended_at=at + timedelta(seconds=20), seconds=20.0,
                ),
                plan,
            )  # fmt: skip

    writer = open_writer(directory)
    try:
        writer.import_runs(runs())
    finally:
        writer.close()


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def pressed(terminal: Terminal, key: str, answers: Callable[[bytes], bool]) -> float:
    """Milliseconds from the key to the first output that answers it."""
    time.sleep(random.uniform(0.1, 0.3))
    since = len(terminal.chunks)
    at = terminal.keys(key)
    return 1000 * (terminal.until(answers, since) - at)


def measure(place: Place) -> list[Figure]:
    """Keys in the history and between screens, while everything is probed every ten seconds."""
    fill(place.directory / "many-ledger", RUNS)
    head = f'ledger = "{place.directory}/many-ledger"\n[environments.many]\ninterval = 10\n'
    with answering(TARGETS) as urls:
        config = place.config("many", head + http_services("many", urls))
        with Terminal([*PROGRAM, "--config", str(config)], place.environment) as terminal:
            terminal.shows("ok", 0)
            time.sleep(10)
            screens = []
            for _ in range(SCREENS):
                screens.append(pressed(terminal, "H", lambda seen: b"history" in seen))
                pressed(terminal, ESCAPE, lambda seen: b"HEALTH" in seen)  # a lone escape is known only after a delay
            since = len(terminal.chunks)
            terminal.keys("H")
            terminal.shows(f"of {RUNS:,}", since)
            moves = [DOWN] * 9 + [UP]
            keys = [
                pressed(terminal, moves[n % 10], lambda seen: BELOW_BAND.search(seen) is not None) for n in range(KEYS)
            ]
    told = f"{TARGETS:,} targets, {RUNS:,} runs"
    return [
        Figure("key to frame, p50", percentile(keys, 0.5), "ms", note=f"history, {told}"),
        Figure("key to frame, p99", percentile(keys, 0.99), "ms", 50, note=f"history, {told}"),
        Figure("change of screen, p50", percentile(screens, 0.5), "ms", note=told),
        Figure("change of screen, p99", percentile(screens, 0.99), "ms", note=f"until the new screen is named; {told}"),
    ]
