"""The recent past of what probes measured themselves."""

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median_low

from actions.health.serving import Serving, serving

FEWEST_MEAN = 3
"""A release that just began to serve may start with a slow answer or two: so few are no mean."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: when (monotonic), whether it was answered well, how long it took, which version answered."""

    at: float
    good: bool
    seconds: float
    version: str | None


class Steady:
    """The middle of the last three values: one slow answer is no slow server."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=3)

    def add(self, value: float) -> float:
        """The middle, with `value` as the newest."""
        self._values.append(value)
        return median_low(self._values)


class Window:
    """Samples of the last `seconds`. Errors and times are those of the versions that serve now, never of one that left.

    `versions` are the ones that serve, `since` (monotonic) when the newest of them took over from one that left, None
    when nobody saw that; `turned` says that answers of one that left are still in the window.
    """

    def __init__(self, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._samples: deque[Sample] = deque(maxlen=10_000)
        self.versions: frozenset[str] = frozenset()
        self.since: float | None = None
        self.turned = False

    def add(self, good: bool, seconds: float, version: str | None) -> None:
        """Remember one request made now."""
        self._samples.append(Sample(self._clock(), good, seconds, version))

    def requests(self) -> tuple[int, int]:
        """Requests and failed requests in the window."""
        kept = self._serving()
        return len(kept), sum(1 for one in kept if not one.good)

    def mean_ms(self, seconds: float) -> float | None:
        """Mean time of good answers in the last `seconds`; None when there were none, or too few since one left."""
        oldest = self._clock() - seconds
        times = [one.seconds for one in self._serving() if one.good and one.at >= oldest]
        if not times or (self.turned and len(times) < FEWEST_MEAN):
            return None
        return sum(times) / len(times) * 1_000

    def named(self, seconds: float) -> dict[str, int]:
        """Versions that answered in the last `seconds`, most frequent first."""
        counted = Counter(one.version for one in self._recent(seconds) if one.version is not None)
        return dict(counted.most_common())

    def serving_seconds(self) -> float | None:
        """Seconds since another version left; None when nobody saw one leave."""
        return None if self.since is None else self._clock() - self.since

    def _serving(self) -> list[Sample]:
        kept = self._recent(self._seconds)
        found: Serving = serving([one.version for one in kept])
        self.turned = found.start > 0
        if self.turned:
            self.since = kept[found.start].at
        elif not found.versions <= self.versions:
            self.since = None  # one more answers beside the others: nobody took over
        self.versions = found.versions or self.versions
        return kept[found.start :]

    def _recent(self, seconds: float) -> list[Sample]:
        now = self._clock()
        while self._samples and self._samples[0].at < now - self._seconds:
            self._samples.popleft()
        return [one for one in self._samples if one.at >= now - seconds]
