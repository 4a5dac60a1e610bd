"""What the executor was told: commands of operators from the ledger, and signals."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterable
from typing import NamedTuple

from actions.ledger.writer import LedgerWriter
from actions.model.errors import VqError
from actions.model.record import CommandRow
from actions.model.words import Command

POLL_SECONDS = 0.2

log = logging.getLogger(__name__)


class Decision(NamedTuple):
    """The net effect of the commands that wait, in the order they came."""

    rows: tuple[CommandRow, ...] = ()
    pause: CommandRow | None = None
    resume: CommandRow | None = None
    abort: CommandRow | None = None
    back_out: CommandRow | None = None
    owner: CommandRow | None = None


def decide(rows: Iterable[CommandRow]) -> Decision:
    """Later commands win over earlier ones: a resume cancels a pause, a pause cancels a resume. Pure."""
    decision = Decision(rows=tuple(rows))
    for row in decision.rows:
        match row.command:
            case Command.PAUSE:
                decision = decision._replace(pause=row, resume=None)
            case Command.RESUME:
                decision = decision._replace(pause=None, resume=row)
            case Command.ABORT:
                decision = decision._replace(abort=row)
            case Command.BACK_OUT:
                decision = decision._replace(back_out=row)
            case Command.TAKE_OVER:
                decision = decision._replace(owner=row)
    return decision


class Orders:
    """Watches for commands and signals. A command stays in the ledger until what it asked for is in the journal."""

    def __init__(self, ledger: LedgerWriter, run_id: str, changed: Callable[[], bool]) -> None:
        self._ledger = ledger
        self._run_id = run_id
        self._changed = changed
        self.decision = Decision()
        self.terminations = 0
        self.lost = False
        self.interrupted = asyncio.Event()
        self._news = asyncio.Event()

    async def look(self) -> Decision:
        """Read the commands that wait, now."""
        rows = await asyncio.to_thread(self._ledger.pending_commands, self._run_id)
        self.decision = decide(rows)
        if self._urgent():
            self.interrupted.set()
        return self.decision

    def _urgent(self) -> bool:
        """Whether a wait is to be broken off; an abort that came too late for that is answered between two steps."""
        abort = self.decision.abort is not None and not self._changed()
        return self.decision.back_out is not None or abort or self.lost or self.terminations > 1

    async def take(self, rows: Iterable[CommandRow]) -> None:
        """These commands were carried out or have become meaningless."""
        taken = [await asyncio.to_thread(self._ledger.take_command, row.id) for row in rows]
        if taken:
            await self.look()
        self.calm()

    def calm(self) -> None:
        """Nothing is to be broken off any more, unless something urgent still waits."""
        if not self._urgent():
            self.interrupted.clear()

    async def watch(self) -> None:
        """Look several times a second while steps work; its caller starts it again should it ever fail."""
        while True:
            try:
                before = self.decision
                if await self.look() != before:
                    self._news.set()
            except VqError as error:
                log.warning("commands cannot be read: %s", error.message)
            await asyncio.sleep(POLL_SECONDS)

    async def news(self, seconds: float) -> None:
        """Return when something was told, after `seconds` at the latest."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        finally:
            self._news.clear()

    def terminate(self) -> None:
        """SIGTERM: finish the step and pause. Twice: stop at the next safe point."""
        self.terminations += 1
        log.warning("told to stop (%d)", self.terminations)
        if self.terminations > 1:
            self.interrupted.set()
        self._news.set()

    def lose(self) -> None:
        """The lease passed to another executor: nothing more may be done."""
        self.lost = True
        self.interrupted.set()
        self._news.set()

    def listen(self) -> None:
        """Follow the signals of this process; only for a process of its own."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.terminate)
