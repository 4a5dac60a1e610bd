"""The outbox: what is to be told is first kept, then delivered, so a dead channel never changes a verdict."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from actions.model.environment import Environment
from actions.model.errors import UnknownNameError, VqError
from actions.model.fair_timeout import fair_timeout
from actions.model.record import EVERY, Notice
from actions.model.run import Run
from actions.notices.channel import Channel, WebhookChannel
from actions.notices.message import body_of

HEAD_START = timedelta(seconds=15)


class Outbox(Protocol):
    """What the ledger's writer offers for notices. Blocking."""

    def due_notices(self, limit: int = 100, run_id: str | None = None) -> tuple[Notice, ...]:
        """Unsent notices, of one run or of all, whose next attempt is due; after a failure the wait grows."""
        ...

    def run(self, run_id: str) -> Run:
        """The run a notice is about."""
        ...

    def queue_notice_once(
        self, environment: str, run_id: str, channel: str, text: str, body: Mapping[str, Any] | None = None
    ) -> bool:
        """Put a message of a run there unless that channel has it."""
        ...

    def notice_sent(self, identifier: int) -> None:
        """It arrived."""
        ...

    def notice_failed(self, identifier: int, error: str) -> None:
        """One attempt more; why it failed."""
        ...


async def deliver(
    outbox: Outbox,
    environments: dict[str, Environment],
    *,
    seconds: float = 10.0,
    run_id: str | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    channels: Callable[[Notice], Channel | None] | None = None,
) -> int:
    """Try every notice that is due, side by side, for at most `seconds`; returns how many arrived.

    `run_id` narrows to the notices of one run, which its executor delivers itself; whoever delivers all of them leaves
    new ones that head start, so that nothing is sent twice. A channel's error is kept beside its notice and never
    raised; only the ledger's own errors are.
    """
    find = channels or (lambda notice: configured(environments, notice))
    await asyncio.to_thread(_spread, outbox, environments, run_id)
    ripe = await asyncio.to_thread(outbox.due_notices, run_id=run_id)
    ripe = tuple(notice for notice in ripe if notice.channel != EVERY)
    waiting = [notice for notice in ripe if run_id is not None or now() - notice.created_at >= HEAD_START]
    return sum(await asyncio.gather(*(_attempt(outbox, notice, find(notice), seconds) for notice in waiting)))


def _spread(outbox: Outbox, environments: dict[str, Environment], run_id: str | None) -> None:
    """Put what is for every channel into the outbox for each that is configured now; until one can be told it waits."""
    for notice in outbox.due_notices(run_id=run_id):
        environment = environments.get(notice.environment)
        if notice.channel != EVERY or environment is None or notice.run_id is None:
            continue
        for channel in environment.notices.webhooks:
            outbox.queue_notice_once(notice.environment, notice.run_id, channel, notice.text, notice.body)
        outbox.notice_sent(notice.id)


def configured(environments: dict[str, Environment], notice: Notice) -> Channel | None:
    """The channel a notice is for, as configured now; None when it is no longer there."""
    environment = environments.get(notice.environment)
    webhook = environment.notices.webhooks.get(notice.channel) if environment is not None else None
    return None if webhook is None else WebhookChannel(notice.channel, webhook)


async def _attempt(outbox: Outbox, notice: Notice, channel: Channel | None, seconds: float) -> bool:
    message = body_of(notice, await asyncio.to_thread(_run_of, outbox, notice))
    try:
        if channel is None:
            raise VqError(f"channel '{notice.channel}' is no longer configured")
        async with fair_timeout(seconds):
            await channel.deliver(message)
    except TimeoutError:
        await asyncio.to_thread(outbox.notice_failed, notice.id, f"no answer within {seconds:g} s")
        return False
    except VqError as error:
        await asyncio.to_thread(outbox.notice_failed, notice.id, error.message)
        return False
    await asyncio.to_thread(outbox.notice_sent, notice.id)
    return True


def _run_of(outbox: Outbox, notice: Notice) -> Run | None:
    """The run a notice is about; None for one that is about none, or whose run is no longer kept."""
    try:
        return outbox.run(notice.run_id) if notice.run_id else None
    except UnknownNameError:
        return None
