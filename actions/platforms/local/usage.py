"""Memory and processor time of every supervised process with all that it started: one look at the host for all.

Looking at every process of a host takes long where there are many, and longer where the processor is short. So it is
done beside the supervisor's loop, once for whoever asks meanwhile, and what was measured is given with its age.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil

LEAST_SECONDS = 1.0
"""Figures younger than this are not measured again."""

WAIT_SECONDS = 0.3
"""Whoever asks waits so long for figures of now; after that those of before are given, with their age."""


@dataclass(frozen=True)
class Usage:
    """What one process and its descendants use; `measured_at` on the monotonic clock."""

    memory_bytes: int
    cpu_seconds: float
    measured_at: float

    @property
    def age(self) -> float:
        """Seconds since it was measured."""
        return max(0.0, time.monotonic() - self.measured_at)


class UsageTable:
    """The newest figures by process id. Measuring begins when somebody asks, never by itself."""

    def __init__(self, measure: Callable[[frozenset[int]], Mapping[int, Usage]] | None = None) -> None:
        self._measure = measure or measured
        self._latest: Mapping[int, Usage] = {}
        self._measured_at = float("-inf")
        self._looked_for: frozenset[int] = frozenset()
        self._under_way: asyncio.Task[None] | None = None

    def of(self, pid: int | None) -> Usage | None:
        """The newest figures of that process; None while none are known."""
        return self._latest.get(pid) if pid is not None else None

    async def refresh(self, pids: frozenset[int]) -> None:
        """Have these measured unless that was done just now; returns after `WAIT_SECONDS` at the latest."""
        if pids <= self._looked_for and time.monotonic() - self._measured_at < LEAST_SECONDS:
            return
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._look(pids))
        await asyncio.wait({self._under_way}, timeout=WAIT_SECONDS)

    async def close(self) -> None:
        """Wait for the measuring under way."""
        if self._under_way is not None:
            await asyncio.gather(self._under_way, return_exceptions=True)

    async def _look(self, pids: frozenset[int]) -> None:
        self._latest, self._looked_for = await asyncio.to_thread(self._measure, pids), pids
        self._measured_at = time.monotonic()


def measured(pids: frozenset[int]) -> dict[int, Usage]:
    """Figures of these processes and all that descends from them, from one pass over the host. Blocking."""
    children: dict[int, list[psutil.Process]] = {}
    roots: dict[int, psutil.Process] = {}
    for process in psutil.process_iter(["ppid"]):
        children.setdefault(process.info["ppid"], []).append(process)
        if process.pid in pids:
            roots[process.pid] = process
    return {pid: used for pid, root in roots.items() if (used := _family(root, children)) is not None}


def _family(root: psutil.Process, children: Mapping[int, list[psutil.Process]]) -> Usage | None:
    """The sum over `root` and its descendants; None when `root` is gone. A descendant that has ended counts nothing."""
    memory, cpu, waiting, seen = 0, 0.0, [root], set[int]()
    while waiting:
        process = waiting.pop()
        if process.pid in seen:
            continue
        seen.add(process.pid)
        try:
            with process.oneshot():
                memory += process.memory_info().rss
                cpu += sum(process.cpu_times()[:2])
        except psutil.Error:
            if process is root:
                return None
            continue
        waiting += children.get(process.pid, [])
    return Usage(memory, cpu, time.monotonic())
