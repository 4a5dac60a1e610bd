"""Knowing when something moved: watches that only wake whoever looks, so that nothing is listed without need."""

import asyncio
import contextlib
import time
from types import TracebackType
from typing import Self

from actions.clients.kubernetes_api import KubernetesReader
from actions.clients.kubernetes_selectors import Selected
from actions.model.errors import VqError

TOGETHER_SECONDS = 0.01
"""Changes that come as close as this are looked at together."""

AGAIN_SECONDS = 0.5
"""How soon a watch that ended or was refused is opened again."""

WATCH_SECONDS = 60


class Following:
    """Watches of a few collections. What is wrong with one is no trouble: the next look says it."""

    def __init__(self, client: KubernetesReader) -> None:
        self._client = client
        self._moved = asyncio.Event()
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._opened: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for task in self._watches.values():
            task.cancel()
        await asyncio.gather(*self._watches.values(), return_exceptions=True)

    def follow(self, path: str, version: str, selected: Selected) -> None:
        """Be woken by changes there since `version`, unless that is so already."""
        held = self._watches.get(path)
        if held is not None and not held.done():
            return
        if time.monotonic() - self._opened.get(path, float("-inf")) >= AGAIN_SECONDS:
            self._opened[path] = time.monotonic()
            self._watches[path] = asyncio.create_task(self._watch(path, version, selected), name=f"follow {path}")

    async def moved(self, seconds: float) -> None:
        """Return soon after the next change, after `seconds` at the latest."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._moved.wait()
                await asyncio.sleep(TOGETHER_SECONDS)
        self._moved.clear()

    async def _watch(self, path: str, version: str, selected: Selected) -> None:
        with contextlib.suppress(VqError):
            async for event in self._client.watch(path, version, WATCH_SECONDS, selected=selected):
                if event["type"] != "BOOKMARK":
                    self._moved.set()
