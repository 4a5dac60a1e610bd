"""The proof that a generation is live, by answers on fresh connections and by the workers."""

import asyncio
import time
from collections.abc import Callable

from actions.clients.nginx import NginxReader
from actions.model.errors import Unreachable, VerifyFailed
from actions.model.waiting import Deadline, until
from actions.model.workloads import NginxTraffic
from actions.platforms.nginx.generation import Generations
from actions.platforms.nginx.observe import Seen, look

POLL_SECONDS = 0.02
STEADY_SECONDS = 3.0
"""Longer than nginx itself goes on trying to bind (five times half a second): after that nothing is applied late."""


async def proved(
    settings: NginxTraffic,
    client: NginxReader,
    outside: Generations,
    generation: str,
    old: frozenset[int] | None,
    deadline: Deadline,
    steady: float | None,
    refused: Callable[[], str] = lambda: "",
) -> Seen:
    """Every fresh connection answers `generation`, and no worker of `old`, from before the reload, accepts any more.

    Old and new workers accept side by side for some milliseconds, so right answers alone prove nothing. Where the way
    back finds a reload that never took, its workers stay: then right answers for `steady` seconds prove it. So they do
    where workers cannot be looked at, or could not before (`old` None). `refused` gives what nginx has against the
    configuration, after which it applies nothing any more: then nothing is waited for. Raises VerifyFailed.
    """
    count, since = settings.proofs, time.monotonic()

    def agreed(seen: Seen) -> int:
        return sum(one.generation == generation for one in seen.answers)

    def kept(seen: Seen) -> frozenset[int] | None:
        return None if old is None or not seen.master.seen else old.intersection(seen.master.workers)

    async def observe() -> Seen:
        nonlocal since
        try:
            seen = await look(settings, client, outside, count)
        except Unreachable:
            since = time.monotonic()
            raise
        if agreed(seen) < count:
            since = time.monotonic()
            if against := await asyncio.to_thread(refused):
                raise VerifyFailed(f"nginx refused the configuration, the old one serves: {against}")
        return seen

    def satisfied(seen: Seen) -> bool:
        left = kept(seen)
        if agreed(seen) < count:
            return False
        wanted = STEADY_SECONDS if left is None else steady
        return left == frozenset() or (wanted is not None and time.monotonic() - since >= wanted)

    def describe(seen: Seen) -> str:
        left = kept(seen)
        waiting = f", {len(left)} workers of before still accept" if left else ""
        waiting = ", its workers cannot be seen from here" if left is None else waiting
        return f"{agreed(seen)} of {count} fresh connections answer generation {generation}{waiting}"

    return await until(observe, satisfied, deadline, describe, every=POLL_SECONDS)
