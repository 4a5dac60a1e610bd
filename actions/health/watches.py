"""Side sources: instances, traffic shares, Prometheus, the service's own metrics. Each keeps to its own pace."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from actions.clients.blocking import aside
from actions.clients.exposition import Requests, count_requests
from actions.clients.http import HttpReader
from actions.clients.measured import Measured
from actions.clients.prometheus import PrometheusReader
from actions.config import resolve
from actions.health.judge import failing, holds, plain
from actions.health.reading import Reading, down
from actions.health.side import Seen, SideFacts
from actions.health.wording import percent
from actions.model.errors import VqError
from actions.model.health import Figure
from actions.model.platform import TrafficFacts
from actions.model.services import HttpService, PrometheusSource
from actions.model.words import Gate, HealthState
from actions.platforms.access import Access

METRICS_LIMIT = 4 * 1024 * 1024
FEWEST_REQUESTS = 20
"""A share of fewer requests says too little; the probe's own requests of the last minute then say more."""


class WorkloadWatch:
    """Observes every slot of one service."""

    def __init__(self, access: Access, service: str, side: SideFacts) -> None:
        self._access = access
        self._service = service
        self._side = side

    async def look(self) -> Mapping[str, Reading]:
        """All slots at once; one that cannot be observed keeps its last facts, with the reason."""
        slots = list(self._access.slots(self._service))
        await asyncio.gather(*(self._observe(slot) for slot in slots))
        return {}

    async def close(self) -> None:
        """The drivers belong to whoever made the access."""

    async def _observe(self, slot: str) -> None:
        try:
            facts = await self._access.observe(self._service, slot)
        except VqError as error:
            before = self._side.slots.get(slot, Seen(0.0))
            self._side.slots[slot] = Seen(before.at, before.facts, error.message)
        else:
            self._side.slots[slot] = Seen(time.monotonic(), facts)


class TrafficWatch:
    """Observes which slot users reach; feeds a row of its own."""

    def __init__(self, row: str, access: Access, service: str, side: SideFacts) -> None:
        self._row = row
        self._access = access
        self._service = service
        self._side = side

    async def look(self) -> Mapping[str, Reading]:
        """One observation of the traffic driver."""
        try:
            facts = await self._access.observe_traffic(self._service)
        except VqError as error:
            return {self._row: down(error.message)}
        if facts is None:
            return {}
        self._side.traffic = facts
        return {self._row: traffic_reading(facts)}

    async def close(self) -> None:
        """The driver belongs to whoever made the access."""


def traffic_reading(facts: TrafficFacts) -> Reading:
    """`blue 100 %`; drift between what is configured and what answers is never ok. Pure."""
    shares = sorted(facts.shares.items(), key=lambda one: -one[1])
    shown = "  ".join(f"{slot} {percent(share)}" for slot, share in shares if share > 0)
    figures: list[Figure] = [plain(f"share of {slot}", share, "fraction") for slot, share in shares]
    figures += [plain(f"in flight {slot}", number) for slot, number in facts.in_flight.items()]
    figures.append(holds("drift", not facts.drift, facts.drift or "none"))
    figures += [Figure(name=note.title, value=note.evidence or None, gate=note.gate) for note in facts.notes]
    serving = max(facts.shares.values(), default=0.0) * 100
    if not shown:
        return Reading(HealthState.DOWN, "down", facts.drift or "no slot gets traffic", tuple(figures))
    if facts.drift:
        return Reading(HealthState.DEGRADED, "drift", f"{shown}  {facts.drift}", tuple(figures), plotted=serving)
    wrong = [figure for figure in failing(figures) if figure.gate is Gate.FAIL]
    if wrong:
        return Reading(HealthState.DEGRADED, "failing", f"{shown}  {wrong[0].name}", tuple(figures), plotted=serving)
    return Reading(HealthState.OK, "ok", shown, tuple(figures), plotted=serving)


class PrometheusWatch:
    """Asks Prometheus for what is configured; what it does not give stays None with the reason."""

    def __init__(self, settings: PrometheusSource, side: SideFacts) -> None:
        """Raises ConfigError."""
        token = resolve(settings.token) if settings.token else None
        self._reader = PrometheusReader(settings.url, token=token, tls=settings.tls)
        self._side = side
        named = {"latency": settings.latency_ms, "error rate": settings.error_rate, "throughput": settings.throughput}
        self._queries = {name: query for name, query in named.items() if query}

    async def look(self) -> Mapping[str, Reading]:
        """All queries at once."""
        found = await asyncio.gather(*(self._reader.measure(query) for query in self._queries.values()))
        for name, measured in zip(self._queries, found, strict=True):
            self._side.measured[name] = (time.monotonic(), measured)
        return {}

    async def close(self) -> None:
        """Close the connections."""
        await self._reader.close()


@dataclass(frozen=True)
class Page:
    """The metrics of one look, and what was counted in them, once that was needed."""

    at: float
    body: bytes
    media: str
    counted: Requests | None = None


class MetricsWatch:
    """Counts requests from the service's own metrics, between two looks at one process.

    The first look only keeps what it got: one count is no rate yet, and counting waits for what comes first on screen.
    """

    def __init__(self, settings: HttpService, side: SideFacts) -> None:
        """Raises ConfigError."""
        headers = {name: resolve(source) for name, source in settings.headers.items()}
        self._reader = HttpReader(
            settings.url, headers=headers, tls=settings.tls, timeout=settings.timeout, body_limit=METRICS_LIMIT
        )
        self._settings = settings
        self._path = settings.metrics or "/metrics"
        self._side = side
        self._before: Page | None = None

    async def look(self) -> Mapping[str, Reading]:
        """One look; the figures are those since the look before."""
        answer = await self._reader.get(self._path)
        now = time.monotonic()
        throughput = errors = Measured(
            None, "two looks are needed" if answer.good else f"{self._path}: {answer.reason}"
        )
        before, self._before = self._before, None
        if answer.good:
            page = Page(now, answer.body, answer.header("Content-Type") or "")
            if before is not None:
                earlier, page = await aside(("metrics", id(self)), lambda: (self._counted(before), self._counted(page)))
                throughput, errors = rates(earlier.counted, page.counted, page.at - earlier.at)
            self._before = page
        self._side.counted = {"throughput": (now, throughput), "error rate": (now, errors)}
        return {}

    async def close(self) -> None:
        """Close the connections."""
        await self._reader.close()

    def _counted(self, page: Page) -> Page:
        if page.counted is not None:
            return page
        text = page.body.decode("utf-8", "replace")
        settings = self._settings
        found = count_requests(text, page.media, settings.metrics_counter, settings.metrics_status)
        return Page(page.at, b"", page.media, found)


def rates(before: Requests | None, after: Requests | None, seconds: float) -> tuple[Measured, Measured]:
    """Requests a second and failed share between two counts; None when another process answered. Pure."""
    if before is None or after is None:
        absent = Measured(None, "two looks are needed")
        return absent, absent
    total = _grown(before.total, after.total, before.process == after.process)
    failed = _grown(before.failed, after.failed, before.process == after.process)
    if total.value is None or seconds <= 0:
        return total, total
    if failed.value is None:
        return Measured(total.value / seconds), failed
    enough = total.value >= FEWEST_REQUESTS
    few = Measured(None, f"only {total.value:.0f} requests since the last look")
    return Measured(total.value / seconds), Measured(failed.value / total.value) if enough else few


def _grown(before: Measured, after: Measured, same: bool) -> Measured:
    """By how much a count grew; None where one of the two is not there, or another process counted."""
    if after.value is None or before.value is None:
        return after if after.value is None else Measured(None, "two looks are needed")
    if not same or after.value < before.value:
        return Measured(None, "another process answered than before")
    return Measured(after.value - before.value)
