"""What a console pays for each look at a long run: its view after one more event, beside the first view of all."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from actions.ledger import open_reader, open_writer
from actions.ledger.writer import Entry, LedgerWriter
from actions.model.run import EventKind
from actions.runner.session import hold
from benchmarks.place import Place
from benchmarks.table import Figure
from tests.ledger.plans import make_plan, request

EVENTS, ROUNDS = 5_000, 20


def fill(ledger: LedgerWriter, run_id: str, token: int) -> None:
    """The journal of a long run."""
    lines = (Entry(EventKind.PROGRESS, 2, 1, {"text": f"line {number}"}) for number in range(EVENTS))
    ledger.append_all(run_id, tuple(lines), fence=token, actor="b")


def seconds(work: Callable[[], object]) -> float:
    """How long it takes once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(place: Place) -> list[Figure]:
    """Milliseconds of one look."""
    with open_writer(place.directory / "run-view") as ledger:
        run_id = ledger.submit(make_plan(), request(), operator="b", origin="b", config_path=Path("/none")).run_id
        with hold(ledger, run_id) as token, open_reader(ledger.directory) as reader:
            fill(ledger, run_id, token)
            first = seconds(lambda: reader.view(run_id))
            later = []
            for _ in range(ROUNDS):
                ledger.append(run_id, EventKind.PROGRESS, step=2, body={"text": "more"}, fence=token, actor="b")
                later.append(seconds(lambda: reader.view(run_id)))
    name = f"view of a run of {EVENTS:,} events after one more"
    return [Figure(name, statistics.median(later) * 1000, "ms", 10, baseline=first * 1000, note="baseline: first view")]
