"""Masking the secrets in a megabyte of log, as an executor's log and journal pass through it."""

import time

from actions.clients.secrets import redact
from benchmarks.place import Place
from benchmarks.table import Figure

LENGTH = 1_000_000
RUNS = 5
SECRETS = [f"s3cr3t-value-{number}-abcdef" for number in range(10)]
LINE = "2026-11-28T17:00:00Z INFO GET /api/queues/17?state=abc%20def HTTP/1.1 200 12ms user=alice host=10.0.0.1\n"
TOLD = f"connecting to redis://:{SECRETS[3]}@cache:6379/0 with password={SECRETS[5]}\n"


def measure(place: Place) -> list[Figure]:
    """The best of some runs, by the processor: a log with a secret now and then, and one long word."""
    log = ((LINE * 100 + TOLD) * (LENGTH // 10_000 + 1))[:LENGTH]
    return [
        Figure("redaction of 1 MB of log", _best(log), "s", 0.05),
        Figure("redaction of 1 MB in one word", _best("a" * LENGTH), "s", 0.05),
    ]


def _best(text: str) -> float:
    found = []
    for _ in range(RUNS):
        began = time.process_time()
        shown = redact(text, SECRETS, len(text))
        found.append(time.process_time() - began)
        assert not any(secret in shown for secret in SECRETS)
    return min(found)
