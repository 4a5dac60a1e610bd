"""The probe of this host."""

import asyncio
from collections.abc import Mapping

from actions.clients.host import HostReader, HostStatus
from actions.health.judge import at_most, failing, plain, verdict
from actions.health.reading import Reading, no_data
from actions.health.wording import percent
from actions.model.fair_timeout import fair_timeout
from actions.model.health import Figure
from actions.model.services import HostService
from actions.model.text import clean

LIMIT_SECONDS = 3.0
FIRST_SPAN = 0.2
"""Seconds over which the first share of the processor is measured; later ones span the time between two looks."""
WORDS = {"disk": "full", "memory": "full", "cpu": "busy"}


class HostProbe:
    """Looks at this host."""

    def __init__(self, row: str, settings: HostService) -> None:
        self._reader = HostReader(settings.path)
        self._row = row
        self._settings = settings

    async def look(self) -> Mapping[str, Reading]:
        """Processor, memory, disk, network."""
        try:
            async with fair_timeout(LIMIT_SECONDS):
                status = await self._reader.status()
                if status.cpu is None:
                    await asyncio.sleep(FIRST_SPAN)
                    status = await self._reader.status()
        except TimeoutError:
            return {self._row: no_data(f"the disk at {self._settings.path} does not answer")}
        except OSError as error:
            return {self._row: no_data(clean(error, limit=200))}
        figures = host_figures(status, self._settings)
        state, word = verdict(figures, WORDS)
        return {self._row: Reading(state, word, host_summary(status, figures), figures, plotted=_hundred(status.cpu))}

    async def close(self) -> None:
        """Nothing is held open."""


def host_figures(status: HostStatus, limits: HostService) -> tuple[Figure, ...]:
    """Every figure, judged. Pure."""
    return (
        at_most("cpu", status.cpu, limits.cpu, "fraction", f"of {status.cores} cores"),
        plain("load", round(status.load, 2), "", "one minute"),
        at_most("memory", status.memory, limits.memory, "fraction"),
        plain("swap", status.swap, "fraction"),
        at_most("disk", status.disk, limits.disk, "fraction", str(limits.path)),
        plain("disk free", status.disk_free_bytes, "bytes"),
        plain("received", status.received, "bytes/s"),
        plain("sent", status.sent, "bytes/s"),
    )


def host_summary(status: HostStatus, figures: tuple[Figure, ...]) -> str:
    """`cpu 45 %  mem 60 %`, and the disk when it is over its limit."""
    cpu = "cpu ?" if status.cpu is None else f"cpu {percent(status.cpu)}"
    parts = [cpu, f"mem {percent(status.memory)}"]
    if any(figure.name == "disk" for figure in failing(figures)):
        parts.append(f"disk {percent(status.disk)}")
    return "  ".join(parts)


def _hundred(share: float | None) -> float | None:
    return None if share is None else share * 100
