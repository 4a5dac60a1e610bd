"""The ledger as a Viewer sees it: perhaps not there yet, opened when it appears, watched for commits of others."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from actions.ledger import open_reader
from actions.ledger.place import DATABASE
from actions.model.errors import LedgerError
from actions.model.plan import LeftBehind, Release
from actions.model.record import Drill
from actions.model.run import Executor, Run

if TYPE_CHECKING:
    from actions.ledger.reader import LedgerReader

T = TypeVar("T")
Touched = tuple[tuple[int, int, int, int], ...]

FAST_SECONDS, SLOW_SECONDS = 0.04, 0.5
"""How often the ledger is asked for news while somebody follows a run, and otherwise."""

SURE_SECONDS = 5.0
"""How often SQLite itself is asked although neither file was touched: file times may be coarser than two commits."""

NOTHING_YET = "no ledger yet: nothing was run from here"


class Signal:
    """Wakes everyone who waited before it fired; made and used on one loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def waiter(self) -> asyncio.Event:
        """What to wait on; take it before looking, so that nothing is missed between looking and waiting."""
        return self._event

    def fire(self) -> None:
        """Wake everyone."""
        fired, self._event = self._event, asyncio.Event()
        fired.set()


async def either(event: asyncio.Event, seconds: float) -> bool:
    """Wait for `event` at most so long; whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


class NoLedger:
    """Stands in for a ledger that is not there: nothing was recorded. Enough for planning to look at (FactsReader)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def directory(self) -> Path:
        """The nearest directory that exists: where the ledger would be created."""
        return next((one for one in (self._directory, *self._directory.parents) if one.is_dir()), self._directory)

    def past_seconds(
        self, environment: str, service: str, procedure: str = "rollback", limit: int = 20
    ) -> tuple[float, ...]:
        """None."""
        return ()

    def active(self, environment: str) -> Run | None:
        """None."""
        return None

    def executor(self, run_id: str) -> Executor:
        """Nobody."""
        return Executor(state="none")

    def drills(self, environment: str, limit: int = 100) -> tuple[Drill, ...]:
        """None."""
        return ()

    def releases(self, environment: str, service: str) -> tuple[Release, ...]:
        """None."""
        return ()

    def left_behind(self, environment: str, service: str) -> dict[str, LeftBehind]:
        """None."""
        return {}


class LedgerDoor:
    """The one reader of a desk. `note` says why there is none; a missing ledger is looked for again and again.

    Only a ledger that was never made reads as "nothing yet"; one that is damaged, forbidden or gone raises its problem.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.note = ""
        self.changed = Signal()
        self.version = 0
        self.missing = False
        self.place: tuple[int, int] | None = None
        self._followers = 0
        self._attended = Signal()
        self._reader: LedgerReader | None = None
        self._opening: asyncio.Task[None] | None = None

    @property
    def facts(self) -> "LedgerReader | NoLedger":
        """What planning reads."""
        return self._reader or NoLedger(self.directory)

    @property
    def problem(self) -> str:
        """What is wrong with a ledger that is there, or was; empty when it is open, and when there never was one."""
        return "" if self.missing else self.note

    async def open(self) -> bool:
        """Open the ledger if that is possible now; whether it is open. Never raises: `note` says what is wrong."""
        if self._reader is None:
            if self._opening is None:  # one for all who ask; whoever stops waiting takes it from nobody
                self._opening = asyncio.create_task(self._open(), name="open the ledger")
            await asyncio.shield(self._opening)
        return self._reader is not None

    async def _open(self) -> None:
        try:
            self._reader = await asyncio.to_thread(open_reader, self.directory)
            self.place = place(self.directory)
            self.note, self.missing = "", False
        except LedgerError as error:
            absent = _absent(self.directory)
            self.missing = absent and self.place is None
            lost = f"the ledger in {self.directory} is gone since it was read last: put it back"
            self.note = NOTHING_YET if self.missing else lost if absent else error.message
        finally:
            self._opening = None

    async def read(self, ask: "Callable[[LedgerReader], T]", otherwise: T) -> T:
        """The reader's answer, or `otherwise` while there never was a ledger. Raises LedgerError when reading fails."""
        if not await self.open() or self._reader is None:
            if self.problem:
                raise LedgerError(self.problem)
            return otherwise
        return await asyncio.to_thread(ask, self._reader)

    async def demand(self, ask: "Callable[[LedgerReader], T]") -> T:
        """The reader's answer. Raises LedgerError when there is no ledger or reading fails."""
        if not await self.open() or self._reader is None:
            raise LedgerError(self.problem or f"{self.note} ({self.directory})")
        return await asyncio.to_thread(ask, self._reader)

    async def watch(self) -> None:
        """Fire `changed` whenever somebody committed; runs until cancelled."""
        last: int | None = None
        touched: Touched | None = None
        asked = 0.0
        while True:
            now, marks = time.monotonic(), touched_at(self.directory)
            if marks is None or marks != touched or now - asked >= SURE_SECONDS:
                version = await self._data_version()
                touched, asked = marks, now
                if version != last:
                    last = version
                    self.version += 1
                    self.changed.fire()
            if self._followers:
                await asyncio.sleep(FAST_SECONDS)
            else:
                await either(self._attended.waiter(), SLOW_SECONDS)

    async def _data_version(self) -> int:
        """SQLite's own mark of the newest commit; -1 while there never was a ledger, -2 while it cannot be read."""
        try:
            if self._reader is not None and place(self.directory) != self.place:
                await self.forget("the ledger was moved away or replaced while it was read")
            return await self.read(lambda reader: reader.data_version(), -1)
        except LedgerError as error:
            await self.forget(error.message)
            return -2

    @contextmanager
    def attended(self) -> Iterator[None]:
        """While somebody follows a run, news are looked for more often."""
        self._followers += 1
        self._attended.fire()
        try:
            yield
        finally:
            self._followers -= 1

    async def forget(self, note: str) -> None:
        """Close the reader, so that the next call opens it anew."""
        reader, self._reader, self.note = self._reader, None, note
        self.missing = self.missing and reader is None
        if reader is not None:
            await asyncio.to_thread(reader.close)

    async def close(self) -> None:
        """Close the reader, also one that is being opened."""
        if self._opening is not None:
            await asyncio.gather(self._opening, return_exceptions=True)
        await self.forget(self.note)


def place(directory: Path) -> tuple[int, int] | None:
    """Which file the ledger is, so that another one under the same name is told from it; None when there is none."""
    try:
        facts = (directory / DATABASE).stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def touched_at(directory: Path) -> "Touched | None":
    """Which file the ledger is, and size and time of it and of its write-ahead log; None when there is none."""
    try:
        return tuple(
            (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
            for facts in ((directory / name).stat() for name in (DATABASE, f"{DATABASE}-wal"))
        )
    except OSError:
        return None


def _absent(directory: Path) -> bool:
    """Whether nothing at all is there: neither a directory nor anything in it."""
    try:
        return not any(directory.iterdir())
    except FileNotFoundError:
        return True
    except OSError:
        return False
