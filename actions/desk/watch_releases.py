"""While no keeper runs, an open console does the keeper's observing itself, so that releases soak also then."""

import asyncio
from typing import TYPE_CHECKING

from actions.keeper.release_watch import ReleaseWatch
from actions.model.health import Snapshot

if TYPE_CHECKING:
    from actions.desk.operator import Operator
    from actions.ledger.writer import LedgerWriter


class WatchReleases:
    """Hands each snapshot to a release watch, unless a keeper is at work."""

    def __init__(self, desk: "Operator") -> None:
        self._desk = desk
        self._watch: ReleaseWatch | None = None
        self._of: LedgerWriter | None = None

    async def observe(self, snapshot: Snapshot) -> None:
        """Take in one snapshot. Raises LedgerError, which the desk notes: health goes on being shown."""
        desk = self._desk
        writer = desk.writer
        if self._watch is not None and self._of is writer and not self._watch.due(snapshot):
            return
        if (await asyncio.to_thread(writer.keeper)).alive:
            self.end()
            return
        if self._watch is None or self._of is not writer:
            self.end()
            self._watch, self._of = ReleaseWatch(desk.access, writer, f"console of {desk.operator}"), writer
        await self._watch.observe(snapshot)

    def end(self) -> None:
        """Let another one watch."""
        if self._watch is not None:
            self._watch.end()
            self._watch = None
