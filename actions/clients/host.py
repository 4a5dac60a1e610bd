"""This host's processor, memory, disk and network, without waiting."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from actions.clients.blocking import aside


@dataclass(frozen=True)
class HostStatus:
    """Shares are fractions of one, None until two looks were taken; network is bytes a second without loopback."""

    cpu: float | None
    load: float
    cores: int
    memory: float
    swap: float
    disk: float
    disk_free_bytes: int
    received: float | None
    sent: float | None


class HostReader:
    """Looks at this host. The shares of processor and network are those since the previous look."""

    def __init__(self, path: Path = Path("/")) -> None:
        self._path = path
        self._network: tuple[float, int, int] | None = None
        self._cpu: tuple[float, float] | None = None

    async def status(self) -> HostStatus:
        """The figures now. Raises OSError when the disk's path is not there."""
        # A dead network disk hangs in the kernel; it must not hang anything else.
        disk = await aside(("disk", self._path), lambda: psutil.disk_usage(str(self._path)))
        memory = psutil.virtual_memory()
        received, sent = self._traffic()
        return HostStatus(
            cpu=self._busy(),
            load=os.getloadavg()[0],
            cores=psutil.cpu_count() or 1,
            memory=memory.percent / 100,
            swap=psutil.swap_memory().percent / 100,
            disk=disk.percent / 100,
            disk_free_bytes=disk.free,
            received=received,
            sent=sent,
        )

    def _busy(self) -> float | None:
        times = psutil.cpu_times()
        total = sum(times[:8])  # guest times are part of user time already
        idle = times.idle + getattr(times, "iowait", 0.0)
        before, self._cpu = self._cpu, (total, idle)
        if before is None or total <= before[0]:
            return None
        return min(1.0, max(0.0, 1 - (idle - before[1]) / (total - before[0])))

    def _traffic(self) -> tuple[float | None, float | None]:
        cards = [one for name, one in psutil.net_io_counters(pernic=True).items() if not name.startswith("lo")]
        now = (time.monotonic(), sum(card.bytes_recv for card in cards), sum(card.bytes_sent for card in cards))
        before, self._network = self._network, now
        if before is None or now[0] <= before[0]:
            return None, None
        seconds = now[0] - before[0]
        return max(0.0, (now[1] - before[1]) / seconds), max(0.0, (now[2] - before[2]) / seconds)
