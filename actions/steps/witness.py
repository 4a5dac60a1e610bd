"""An own witness of what users get: it asks the outside address at a steady pace while a run goes on."""

import asyncio
import time
from dataclasses import dataclass, field

from actions.clients.http import HttpReader, Trouble
from actions.model.services import HttpService
from actions.steps.outside import reader

RATE = 20.0
"""Questions a second; half over connections of their own, half over kept ones, since users have both."""
MOST_IN_FLIGHT = 12
LAST_SECONDS = 8.0
STALL_SECONDS = 0.3
CALM_SECONDS, STARVED_SHARE = 3.0, 0.1
"""For so long after this process stood still only this share of the questions is asked."""
FIRST_ERROR = 500
"""Lower statuses are answers: an endpoint that asks for a login is up."""


@dataclass
class Tally:
    """What was asked and what came back; seconds on the monotonic clock, by the time a question was sent."""

    asked: int = 0
    failed: int = 0
    outcomes: list[tuple[float, bool]] = field(default_factory=list)
    last_failure: str = ""

    def downtime(self) -> float:
        """Seconds in which users lost something: from each first failure to the next good answer, one alone too.

        Where every second request fails that is half of the time, not none of it; 0.05 s resolution.
        """
        total, begun = 0.0, None
        for at, good in sorted(self.outcomes):
            if good and begun is not None:
                total += at - begun
                begun = None
            elif not good and begun is None:
                begun = at
        if begun is not None:
            total += max(at for at, _ in self.outcomes) - begun
        return total


class Witness:
    """Asks until stopped. While too many questions wait it asks none: what hangs is counted when it times out."""

    def __init__(self, service: HttpService, rate: float = RATE) -> None:
        self.tally = Tally()
        self._service = service
        self._path = service.endpoints[0] if service.endpoints else service.health
        self._rate = rate
        self._http: HttpReader | None = None
        self._pace: asyncio.Task[None] | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self._stalled_at = float("-inf")

    async def start(self) -> None:
        """Begin asking. Raises ConfigError when the address or its secrets cannot be used."""
        self._http = reader(self._service, connections=MOST_IN_FLIGHT)
        self._pace = asyncio.create_task(self._keep_pace(self._http))

    async def stop(self) -> Tally:
        """Wait for the answers under way, at most for the timeout of the service or `LAST_SECONDS`, and close."""
        if self._pace is not None:
            self._pace.cancel()
            await asyncio.gather(self._pace, return_exceptions=True)
        if self._asking:
            await asyncio.wait(self._asking, timeout=min(self._service.timeout + 1, LAST_SECONDS))
        if self._http is not None:
            await self._http.close()
        return self.tally

    async def _keep_pace(self, http: HttpReader) -> None:
        due, number = time.monotonic(), 0
        while True:
            if len(self._asking) < MOST_IN_FLIGHT:
                task = asyncio.create_task(self._ask(http, fresh=number % 2 == 0))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
            number += 1
            due = max(due + 1 / self._pace_now(), time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            if time.monotonic() - due > STALL_SECONDS:
                self._stalled_at = time.monotonic()

    def _pace_now(self) -> float:
        """Questions a second; few while this process lacks the processor, which the run itself needs more."""
        starved = time.monotonic() - self._stalled_at < CALM_SECONDS
        return self._rate * STARVED_SHARE if starved else self._rate

    async def _ask(self, http: HttpReader, *, fresh: bool) -> None:
        at = time.monotonic()
        answer = await http.get(self._path, fresh=fresh)
        if answer.trouble is Trouble.TIMEOUT and self._stalled_at >= at:
            return  # this process itself stood still meanwhile: that says nothing about the service
        good = answer.status is not None and answer.trouble is None and answer.status < FIRST_ERROR
        self._count(at, good, answer.reason)

    def _count(self, at: float, good: bool, reason: str) -> None:
        self.tally.asked += 1
        self.tally.outcomes.append((at, good))
        if not good:
            self.tally.failed += 1
            self.tally.last_failure = reason
