"""CPU and memory of containers. The engine takes a second for a sample, so sampling runs behind the looks."""

import asyncio
import time
from typing import Any

from actions.clients.docker.reader import DockerReader
from actions.model.errors import VqError

_MOST = 12
"""Services with more containers are not sampled: it is one call each."""

Figures = dict[str, tuple[float | None, int | None]]


class Usage:
    """The last sample of each container. Sampling starts with the second look: whoever looks once pays nothing."""

    def __init__(self, docker: DockerReader) -> None:
        self._docker = docker
        self._last: dict[str, tuple[float, float]] = {}
        self._known: Figures = {}
        self._looks = 0
        self._sampling: asyncio.Task[None] | None = None

    def of(self, containers: list[str]) -> Figures:
        """CPU (1.0 is one core) and memory in bytes by container id, as last sampled. What was not read is absent."""
        self._looks += 1
        idle = self._sampling is None or self._sampling.done()
        if self._looks > 1 and idle and 0 < len(containers) <= _MOST:
            self._sampling = asyncio.get_running_loop().create_task(self._sample_all(containers))
        return {key: figures for key, figures in self._known.items() if key in containers}

    def close(self) -> None:
        """Stop sampling."""
        if self._sampling is not None:
            self._sampling.cancel()

    async def _sample_all(self, containers: list[str]) -> None:
        samples = await asyncio.gather(*(self._sample(one) for one in containers))
        self._last = {key: value for key, value in self._last.items() if key in containers}
        self._known = {one: self._figures(one, body) for one, body in zip(containers, samples, strict=True) if body}

    async def _sample(self, container: str) -> dict[str, Any] | None:
        try:
            return await self._docker.statistics(container)
        except VqError:  # shown as not measured
            return None

    def _figures(self, container: str, body: dict[str, Any]) -> tuple[float | None, int | None]:
        memory = body.get("memory_stats") or {}
        used = memory.get("usage")
        detail = memory.get("stats") or {}
        cache = detail.get("inactive_file", detail.get("total_inactive_file", 0))
        total = ((body.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage")
        now, before = time.monotonic(), self._last.get(container)
        rate = None
        if isinstance(total, int):
            self._last[container] = (now, float(total))
            if before is not None and now > before[0] and total >= before[1]:
                rate = (total - before[1]) / 1e9 / (now - before[0])
        return rate, max(0, used - cache) if isinstance(used, int) else None
