"""The executor's pen: ordered, redacted, with a crash point before and after every write."""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection
from typing import Any

from actions.ledger.writer import Entry, LedgerWriter
from actions.model.crash import crashpoint
from actions.model.errors import VqError
from actions.model.platform import Evidence
from actions.model.run import EventKind
from actions.model.words import RunState
from actions.runner.progress import RunProgress
from actions.runner.redaction import Redactor

PROGRESS_LINES = 20
"""Most lines of progress kept between two writes; a chatty step must not fill the journal."""

PROGRESS_SECONDS = 0.2

log = logging.getLogger(__name__)


class Journal:
    """Writes one run's events under one token and keeps its `progress` up to date."""

    def __init__(
        self, ledger: LedgerWriter, run_id: str, fence: int, actor: str, progress: RunProgress, redactor: Redactor
    ) -> None:
        self.ledger = ledger
        self.run_id = run_id
        self.fence = fence
        self.actor = actor
        self.progress = progress
        self.redactor = redactor
        self._lines: list[Entry] = []
        self._lines_lock = threading.Lock()  # steps report from threads of their own
        self._last_line = ""
        self._order = asyncio.Lock()
        self._wake = asyncio.Event()

    async def write(self, *entries: Entry, heed: bool = False) -> None:
        """Append these events in one transaction. Raises LostLock or LedgerError: then nothing more may be done.

        With `heed` it raises Told, and writes nothing, when the run is told to stop or to go back.
        """
        name = "+".join(f"{entry.kind.value}.{entry.step or 0}" for entry in entries)
        crashpoint(f"{name}.before")
        async with self._order:
            await self._flush()
            await self._append(entries, heed)
        crashpoint(f"{name}.after")

    async def transition(self, to: RunState, reason: str) -> None:
        """Move the state of the run."""
        crashpoint(f"state.{to.value}.before")
        async with self._order:
            await self._flush()
            await asyncio.to_thread(
                self.ledger.transition, self.run_id, to, fence=self.fence, actor=self.actor, reason=reason
            )
        crashpoint(f"state.{to.value}.after")

    async def finish(
        self, state: RunState, metrics: dict[str, Any], reason: str, seconds: float | None, obeyed: Collection[int] = ()
    ) -> None:
        """End the run, or leave it to a person. `obeyed` are the commands that this carries out."""
        crashpoint(f"finish.{state.value}.before")
        async with self._order:
            await self._flush()
            await asyncio.to_thread(
                self.ledger.finish,
                self.run_id,
                state,
                metrics,
                fence=self.fence,
                actor=self.actor,
                reason=reason,
                seconds=seconds,
                obeyed=obeyed,
            )
        crashpoint(f"finish.{state.value}.after")

    def reporter(self, step: int, attempt: int) -> Callable[[str], None]:
        """Takes lines of progress of one step; they reach the journal in order, soon, and not too many."""
        loop = asyncio.get_running_loop()

        def report(line: str) -> None:
            text = self.redactor.text(line)
            if text and text != self._last_line:
                self._last_line = text
                self._keep(Entry(EventKind.PROGRESS, step, attempt, {"text": text}))
                loop.call_soon_threadsafe(self._wake.set)

        return report

    def aside(self, entry: Entry) -> None:
        """Have this written soon, beside the steps. Nothing that a resume needs comes here."""
        self._keep(entry)
        self._wake.set()

    def _keep(self, entry: Entry) -> None:
        with self._lines_lock:
            self._lines.append(entry)
            del self._lines[:-PROGRESS_LINES]

    async def pump(self) -> None:
        """Write lines of progress while a step works; a write that fails is met again, and raised, by the next."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                async with self._order:
                    await self._flush()
            except VqError as error:
                log.error("progress could not be written: %s", error.message)
                return
            await asyncio.sleep(PROGRESS_SECONDS)

    async def _flush(self) -> None:
        with self._lines_lock:
            lines = tuple(self._lines)
        if not lines:
            return
        await self._append(lines)
        written = {id(line) for line in lines}
        with self._lines_lock:
            self._lines[:] = [line for line in self._lines if id(line) not in written]

    async def _append(self, entries: tuple[Entry, ...], heed: bool = False) -> None:
        written = await asyncio.to_thread(
            self.ledger.append_all, self.run_id, entries, fence=self.fence, actor=self.actor, heed=heed
        )
        self.progress.see(written)

    def evidence(self, evidence: Evidence, **more: Any) -> dict[str, Any]:
        """A body for what was observed."""
        return {"text": self.redactor.text(evidence.text), "data": self.redactor.value(evidence.data), **more}
