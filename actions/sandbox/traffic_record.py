"""What users got: every request counted in time, every acknowledged write remembered on disk."""

import os
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any

BUCKET_SECONDS = 0.1
KEPT_SECONDS = 3_600
OUTAGE_SECONDS = 0.25  # no success for longer than this, while requests failed, is downtime
SILENCE_SECONDS = 1.0  # and so is no answer at all for longer than this
RECENT_SECONDS = 10
FILE_LIMIT = 16 * 1024 * 1024


class Acknowledged:
    """The file of acknowledged writes, one `time token` a line; moved to `.1` when it grows too large."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._older = path.with_name(path.name + ".1")
        self._file = path.open("ab", buffering=0)

    def add(self, token: str) -> None:
        """Remember one. It is with the kernel when this returns, so a killed process loses nothing."""
        self._file.write(f"{time.time():.3f} {token}\n".encode())

    def sync(self) -> None:
        """Have it on the disk."""
        os.fdatasync(self._file.fileno())

    def rotate(self) -> None:
        """Begin a new file when this one is large. Not while `sync` runs."""
        if self._file.tell() > FILE_LIMIT:
            self.path.replace(self._older)
            self._file.close()
            self._file = self.path.open("ab", buffering=0)

    def tokens(self, since: float) -> list[str]:
        """All tokens acknowledged at or after `since`, oldest first. A line cut short by a crash was never counted."""
        found = []
        for path in (self._older, self.path):
            if path.exists():
                for line in path.read_bytes().splitlines(keepends=True):
                    words = line.split()
                    if line.endswith(b"\n") and len(words) == 2 and float(words[0]) >= since:
                        found.append(words[1].decode())
        return found


class TrafficRecord:
    """Counts and outages of this process; times are seconds since the epoch."""

    def __init__(self) -> None:
        self.started_at = time.time()
        self._buckets: deque[list[int]] = deque(maxlen=int(KEPT_SECONDS / BUCKET_SECONDS))  # index, ok, failed, writes
        self._outages: deque[tuple[float, float]] = deque(maxlen=1_000)
        self._recent: deque[tuple[float, float, str, bool]] = deque(maxlen=4_000)
        self._let_down: deque[tuple[float, str]] = deque(maxlen=20_000)
        self._totals = [0, 0, 0]
        self._last_success = self.started_at
        self._failed_since = 0
        self.last_failure: dict[str, Any] | None = None

    def succeeded(self, seconds: float, version: str, *, write: bool) -> None:
        """Count a request that was answered well."""
        now = time.time()
        if self._is_outage(now):
            self._outages.append((self._last_success, now))
        self._last_success = now
        self._failed_since = 0
        self._count(now, (1, 0, int(write)))
        self._recent.append((now, seconds, version, True))

    def failed(self, seconds: float, version: str, reason: str, user: str) -> None:
        """Count a request that was answered badly or not at all."""
        now = time.time()
        self._failed_since += 1
        self._count(now, (0, 1, 0))
        self._recent.append((now, seconds, version, False))
        self._let_down.append((now, user))
        self.last_failure = {"at": round(now, 3), "reason": reason}

    def _is_outage(self, now: float) -> bool:
        gap = now - self._last_success
        return gap > SILENCE_SECONDS or (gap > OUTAGE_SECONDS and self._failed_since > 0)

    def _count(self, now: float, what: tuple[int, int, int]) -> None:
        index = int(now / BUCKET_SECONDS)
        if not self._buckets or self._buckets[-1][0] != index:
            self._buckets.append([index, 0, 0, 0])
        for position, amount in enumerate(what):
            self._buckets[-1][position + 1] += amount
            self._totals[position] += amount

    def state(self, since: float | None, *, sending: bool) -> dict[str, Any]:
        """Counts since a time (default: since the start of this process, as far as it was running)."""
        now = time.time()
        start = max(since or 0.0, self.started_at)
        good, failed, writes = self._sums(start)
        return {
            "since": round(start, 3),
            "until": round(now, 3),
            "requests": good + failed,
            "failed": failed,
            "acknowledged_writes": writes,
            "users_affected": len({user for at, user in self._let_down if at >= start}),
            "downtime": self._downtime(start, now, sending=sending),
            "last_failure": self.last_failure,
            **self._lately(now),
        }

    def _sums(self, start: float) -> tuple[int, int, int]:
        if start <= self.started_at:
            good, failed, writes = self._totals
            return good, failed, writes
        first = int(start / BUCKET_SECONDS)
        counted = [bucket for bucket in self._buckets if bucket[0] >= first]
        good, failed, writes = (sum(bucket[position] for bucket in counted) for position in (1, 2, 3))
        return good, failed, writes

    def _downtime(self, start: float, now: float, *, sending: bool) -> dict[str, Any]:
        outages = [*self._outages]
        down = sending and self._is_outage(now)
        if down:
            outages.append((self._last_success, now))
        clipped = [(max(begin, start), end) for begin, end in outages if end > start]
        lengths = [end - begin for begin, end in clipped]
        return {
            "total_seconds": round(sum(lengths), 3),
            "longest_seconds": round(max(lengths, default=0.0), 3),
            "down_now": down,
            "intervals": [{"from": round(begin, 3), "to": round(end, 3)} for begin, end in clipped[-50:]],
        }

    def _lately(self, now: float) -> dict[str, Any]:
        window = min(RECENT_SECONDS, max(now - self.started_at, 0.1))
        recent = [one for one in self._recent if one[0] > now - window]
        latencies = sorted(one[1] * 1000 for one in recent)
        bad = sum(1 for one in recent if not one[3])
        return {
            "throughput": round((len(recent) - bad) / window, 1),
            "error_rate": round(bad / len(recent), 4) if recent else None,
            "latency_ms": {"p50": _quantile(latencies, 0.5), "p95": _quantile(latencies, 0.95)},
            "versions": dict(Counter(one[2] for one in recent if one[2])),
        }


def _quantile(ordered: list[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else None
