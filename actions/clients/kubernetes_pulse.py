"""Whether an API still answers: one small question now and then, so that a quiet watch is never taken for an answer."""

import asyncio
import contextlib
import time

from actions.clients.kubernetes_api import KubernetesReader
from actions.clients.kubernetes_errors import lost
from actions.model.errors import Slow, Unreachable, VqError
from actions.model.patience import fair_timeout
from actions.model.text import clean

EVERY_SECONDS = 3.0
LOST_SECONDS = 1.0
"""How often it is asked, and how often while it does not answer."""

PATIENCE_SECONDS = 4.0
TOLERATED_SECONDS = 6.0
"""An API that was silent for longer than this is lost; what was seen before no longer counts as an observation."""


def told(client: KubernetesReader, error: Exception) -> VqError:
    """The error as people are told it; one that nobody foresaw by its type and words."""
    if isinstance(error, VqError):
        return error
    return Unreachable(clean(f"{client.where}: {type(error).__name__}: {error}", limit=300))


class Pulse:
    """Asks one API from a task of its own. Watches report nothing while a VPN is gone; this does."""

    def __init__(self, client: KubernetesReader) -> None:
        self._client = client
        self._answered = time.monotonic()
        self._error: VqError | None = None
        self._answer = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="pulse")

    @property
    def silence(self) -> Unreachable | None:
        """What is wrong and for how long; None while the API answers. Slow where it is only late."""
        seconds = time.monotonic() - self._answered
        if self._error is None or seconds <= TOLERATED_SECONDS:
            return None
        return lost(self._error, f"{self._error.message} (for {seconds:.0f} s)")

    async def answer(self, seconds: float) -> None:
        """Return at the next answer of the API, after `seconds` at the latest."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._answer.wait()

    async def close(self) -> None:
        """Stop asking."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            try:
                async with fair_timeout(PATIENCE_SECONDS):
                    await self._client.ping()
                self._answered, self._error = time.monotonic(), None
                self._answer.set()
                self._answer = asyncio.Event()
            except TimeoutError:
                self._error = Slow(f"{self._client.where} does not answer; check network or VPN")
            except Exception as error:  # noqa: BLE001 - a pulse that ends would let old facts pass for new ones
                self._error = told(self._client, error)
            await asyncio.sleep(LOST_SECONDS if self._error else EVERY_SECONDS)
