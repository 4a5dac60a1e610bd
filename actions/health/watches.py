"""Side sources: instances, traffic shares, Prometheus, the service's own metrics. Each keeps to its own pace."""

import asyncio
import time
from collections.abc import Mapping

from actions.clients.exposition import Requests, count_requests
from actions.clients.http import HttpReader
from actions.clients.measured import Measured
from actions.clients.prometheus import PrometheusReader
from actions.config import resolve
from actions.health.judge import failing, holds, plain
from actions.health.reading import Reading, down
from actions.health.side import Seen, SideFacts
from actions.health.wording import percent
from actions.model.environment import HttpService, PrometheusSource
from actions.model.errors import VqError
from actions.model.health import Figure
from actions.model.platform import TrafficFacts
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
    """Asks Prometheus for what is configured (P5); what it does not give stays None with the reason."""

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


class MetricsWatch:
    """Counts requests from the service's own metrics, between two looks at one process."""

    def __init__(self, settings: HttpService, side: SideFacts) -> None:
        """Raises ConfigError."""
        headers = {name: resolve(source) for name, source in settings.headers.items()}
        self._reader = HttpReader(
            settings.url, headers=headers, tls=settings.tls, timeout=settings.timeout, body_limit=METRICS_LIMIT
        )
        self._path = settings.metrics or "/metrics"
        self._side = side
        self._before: tuple[float, Requests] | None = None

    async def look(self) -> Mapping[str, Reading]:
        """One look; the figures are those since the look before."""
        answer = await self._reader.get(self._path)
        now = time.monotonic()
        counted = count_requests(answer.body.decode("utf-8", "replace")) if answer.good else None
        reason = "the metrics hold no request counter" if answer.good else f"{self._path}: {answer.reason}"
        before, self._before = self._before, None if counted is None else (now, counted)
        throughput = errors = Measured(None, reason if counted is None else "two looks are needed")
        if before is not None and counted is not None:
            throughput, errors = rates(before[1], counted, now - before[0])
        self._side.counted = {"throughput": (now, throughput), "error rate": (now, errors)}
        return {}

    async def close(self) -> None:
        """Close the connections."""
        await self._reader.close()


def rates(before: Requests, after: Requests, seconds: float) -> tuple[Measured, Measured]:
    """Requests a second and failed share between two counts; None when another process answered. Pure."""
    total, failed = after.total - before.total, after.failed - before.failed
    if before.process != after.process or total < 0 or failed < 0 or seconds <= 0:
        other = Measured(None, "another process answered than before")
        return other, other
    enough = total >= FEWEST_REQUESTS
    errors = Measured(failed / total) if enough else Measured(None, f"only {total:.0f} requests since the last look")
    return Measured(total / seconds), errors
