"""One source of health: when it is due, its look under way, and what becomes of its failures."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from actions.clients.blocking import aside
from actions.clients.secrets import redact
from actions.health.reading import Probe, Reading, no_data
from actions.model.errors import VqError
from actions.model.fair_timeout import fair_timeout
from actions.model.text import clean

PATIENCE = 5


@dataclass(frozen=True)
class SourcePlan:
    """What a source feeds, how often it looks (seconds), how long a look may take at the very most, and its probe.

    `make` is called at the first look, and again while it fails: a secret that was missing may be there later. `renew`
    makes a new probe after `PATIENCE` looks without data, so that a rotated password or certificate is picked up.
    """

    name: str
    rows: tuple[tuple[str, str], ...]
    pace: float
    limit: float
    make: Callable[[], Probe]
    renew: bool = False


class Source:
    """A plan with its probe. Times are monotonic seconds."""

    def __init__(self, plan: SourcePlan) -> None:
        self.plan = plan
        self.due = 0.0
        self.started: float | None = None
        self.seconds = 0.0
        self.task: asyncio.Task[None] | None = None
        self._probe: Probe | None = None
        self._without_data = 0

    def prepare(self) -> None:
        """Make the probe ahead of the first look; what goes wrong is met and said by the look. Blocks: run it aside."""
        try:
            self._probe = self._probe or self.plan.make()
        except (VqError, OSError, ImportError):
            self._probe = None

    @property
    def running(self) -> bool:
        """Whether a look is under way."""
        return self.task is not None and not self.task.done()

    async def look(self) -> Mapping[str, Reading]:
        """A reading for every row, whatever happens: a failure of any kind is a row without data that says why."""
        try:
            async with fair_timeout(self.plan.limit):
                if self._probe is None:
                    self._probe = await aside(("probe", self.plan.name, id(self)), self.plan.make)
                readings = await self._probe.look()
        except TimeoutError:
            readings = self._blank(f"no answer within {self.plan.limit:g} s")
        except VqError as error:
            readings = self._blank(error.message)
        except Exception as error:  # noqa: BLE001 - a fault of one probe must neither hide nor stop the others
            readings = self._blank(f"the probe failed: {type(error).__name__}: {redact(str(error))}")
        await self._renew(readings)
        return {row: readings.get(row) or no_data("the probe gave nothing for this row") for row, _ in self.plan.rows}

    async def close(self) -> None:
        """End the look under way and give the connections back."""
        if self.task is not None and not self.task.done():
            self.task.cancel()
            await asyncio.wait({self.task}, timeout=2)
        probe, self._probe = self._probe, None
        if probe is not None:
            await probe.close()

    async def _renew(self, readings: Mapping[str, Reading]) -> None:
        blank = not any(reading.fresh for reading in readings.values())
        self._without_data = self._without_data + 1 if blank else 0
        if self.plan.renew and self._without_data >= PATIENCE and self._probe is not None:
            probe, self._probe, self._without_data = self._probe, None, 0
            await probe.close()

    def _blank(self, reason: str) -> dict[str, Reading]:
        return {row: no_data(clean(reason, limit=300)) for row, _ in self.plan.rows}
