"""While no keeper runs, an open console does the keeper's observing itself, so that releases soak also then (R9)."""

import asyncio
from typing import TYPE_CHECKING

from actions.keeper.release_watch import ReleaseWatch
from actions.model.errors import LedgerError
from actions.model.health import Snapshot

if TYPE_CHECKING:
    from actions.desk.operator import Operator


class WatchReleases:
    """Hands each snapshot to a release watch, unless a keeper is at work."""

    def __init__(self, desk: "Operator") -> None:
        self._desk = desk
        self._watch: ReleaseWatch | None = None

    async def observe(self, snapshot: Snapshot) -> None:
        """Take in one snapshot. A ledger that fails is noted at the desk; health goes on being shown."""
        desk = self._desk
        try:
            if (await asyncio.to_thread(desk.writer.keeper)).alive:
                self.end()
                return
            self._watch = self._watch or ReleaseWatch(desk.access, desk.writer, f"console of {desk.operator}")
            await self._watch.observe(snapshot)
        except LedgerError as error:
            desk.ledger.note = error.message

    def end(self) -> None:
        """Let another one watch."""
        if self._watch is not None:
            self._watch.end()
            self._watch = None
