"""Durable writes of steps into the ledger; blocking calls run in a thread, each write is idempotent."""

import asyncio
from typing import Any, Protocol

from pydantic import JsonValue

from actions.model.plan import Plan, Release
from actions.model.record import ChangeNote
from actions.model.run import Event, EventKind
from actions.releases.store import FactsReader, ReleaseWriter


class StepLedger(FactsReader, ReleaseWriter, Protocol):
    """What steps ask of the ledger's writer."""

    def queue_notice_once(self, environment: str, run_id: str, channel: str, text: str, body: dict[str, Any]) -> bool:
        """Put one message of a run into the outbox unless that channel has it already."""
        ...

    def events(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        """The journal of a run, in order."""
        ...

    def changes(self, environment: str, limit: int = 20) -> tuple[ChangeNote, ...]:
        """What changed lately, newest first."""
        ...


class Records:
    """What a step may write durably, under the run's fence. Built by the executor, one for the whole run."""

    def __init__(self, ledger: StepLedger, run_id: str, fence: int, actor: str) -> None:
        self.ledger = ledger
        self.run_id = run_id
        self.fence = fence
        self.actor = actor

    async def releases(self, environment: str, service: str) -> tuple[Release, ...]:
        """Every release seen of that service, newest first."""
        return await asyncio.to_thread(self.ledger.releases, environment, service)

    async def save_release(self, release: Release, *, lift: bool = False) -> None:
        """Insert or replace one release; the same row twice changes nothing. With `lift` it need not stay bad."""
        await asyncio.to_thread(lambda: self.ledger.save_release(release, lift=lift))

    async def evidence(self, plan: Plan, kind: str) -> dict[str, JsonValue]:
        """The facts that the step of that kind has found in this run; empty when it was not done."""
        steps = {one.id for one in plan.steps if one.kind == kind}
        events = await asyncio.to_thread(self.ledger.events, self.run_id)
        found: dict[str, JsonValue] = {}
        for event in events:
            data = event.body.get("data")
            if event.kind is EventKind.DONE and event.step in steps and isinstance(data, dict):
                found = data
        return found

    async def note_change_once(self, note: ChangeNote) -> bool:
        """Write one line of "what changed lately" unless this run wrote one of that kind and subject already."""
        lately = await asyncio.to_thread(self.ledger.changes, note.environment, 200)
        if any((one.run_id, one.kind, one.subject) == (note.run_id, note.kind, note.subject) for one in lately):
            return False
        await asyncio.to_thread(self.ledger.note_change, note)
        return True

    async def queue_notice_once(self, environment: str, channel: str, text: str, body: dict[str, Any]) -> bool:
        """Put one message of this run into the outbox unless that channel already has it."""
        return await asyncio.to_thread(self.ledger.queue_notice_once, environment, self.run_id, channel, text, body)
