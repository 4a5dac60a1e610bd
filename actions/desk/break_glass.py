"""A rollback while the ledger refuses, recorded in an emergency ledger instead.

Nothing is new but the place: the same ledger, plan, executor, lock, resume and undo, in another directory.
"""

import asyncio
import shutil
from pathlib import Path

from actions.config import break_glass_directory, ledger_directory
from actions.desk.ledger_door import NoLedger
from actions.desk.operator import Operator
from actions.ledger import open_reader
from actions.ledger.glass import beside_nobody, refusal, remembered, safe_way
from actions.ledger.locks import FileLock
from actions.model.environment import Settings
from actions.model.errors import LedgerError, Refused, VqError
from actions.model.glass import BrokenGlass
from actions.model.health import Snapshot
from actions.model.plan import Release, RollbackRequest
from actions.model.record import Submitted
from actions.model.words import Verdict
from actions.releases.gather import FREE_BYTES

IMPORT_LOCK = "import.lock"
"""While a run is asked for nothing is brought in: the directory is not moved from under a new run."""


class GlassBreaker(Operator):
    """An Operator whose record is the emergency ledger. It observes no releases: it is there for one rollback."""

    def __init__(
        self,
        settings: Settings,
        config_path: Path,
        environment: str,
        glass: BrokenGlass,
        known: tuple[Release, ...],
    ) -> None:
        super().__init__(instead(settings, config_path), config_path, environment)
        self.broken_glass = glass
        self._known = known

    async def submit(self, request: RollbackRequest, expected_digest: str | None = None) -> Submitted:
        """As ever; nothing is brought in meanwhile."""
        lock = import_lock(self.ledger.directory, shared=True)
        await asyncio.to_thread(lock.acquire)
        try:
            return await super().submit(request, expected_digest)
        finally:
            lock.release()

    async def _open_writer(self) -> None:
        await super()._open_writer()
        if self._writer is not None:
            self._writer.glass = self.broken_glass
            await asyncio.to_thread(self._remember)

    def _remember(self) -> None:
        """What the old record knew of releases is known here too; what was learned here since stays."""
        for one in self._known:
            here = {kept.reference for kept in self.writer.releases(one.environment, one.service)}
            if one.verdict is Verdict.BAD or one.reference not in here:
                self.writer.save_release(one)

    async def _observe(self, snapshot: Snapshot) -> None:
        return


def import_lock(directory: Path, *, shared: bool = False) -> FileLock:
    """Whoever moves an emergency ledger away holds this one alone; those who ask for a run there share it."""
    return FileLock(directory / "locks" / IMPORT_LOCK, shared=shared)


async def break_glass(settings: Settings, config_path: Path, environment: str) -> GlassBreaker:
    """A desk on the emergency ledger, not started.

    Raises Refused when the ledger works, Busy when somebody holds its lock, LedgerError where no emergency ledger can
    lie, ReadOnlyError.
    """
    return await asyncio.to_thread(_break, settings, config_path, environment)


def _break(settings: Settings, config_path: Path, environment: str) -> GlassBreaker:
    directory, services = ledger_directory(settings), tuple(settings.environments[environment].services)
    problem = refusal(directory, environment, services) or _little_space(directory)
    if not problem:
        raise Refused("the record works: roll back without --break-glass")
    warnings = beside_nobody(directory, environment)
    try:
        known = remembered(directory, environment, services)
    except LedgerError:
        known = ()
        warnings += ("the old record cannot be read: which releases are bad is not known from there",)
    safe_way(break_glass_directory(settings, config_path))
    glass = BrokenGlass(ledger=str(directory), problem=problem, warnings=warnings)
    return GlassBreaker(settings, config_path, environment, glass, known)


def _little_space(directory: Path) -> str:
    """Planning refuses a rollback earlier than the ledger does: that is a refusal for the ledger's sake as well."""
    free = shutil.disk_usage(NoLedger(directory).directory).free
    return "" if free >= FREE_BYTES else f"the disk of the ledger {directory} has only {free // 1_048_576} MiB free"


def knowing(settings: Settings, config_path: Path, run: str) -> Settings:
    """`settings`, with the emergency ledger in the place of the ledger where only that one knows this run."""
    emergency = break_glass_directory(settings, config_path)
    if _knows(ledger_directory(settings), run) or not _knows(emergency, run):
        return settings
    return instead(settings, config_path)


def instead(settings: Settings, config_path: Path) -> Settings:
    """`settings` with the emergency ledger in the place of the ledger."""
    return settings.model_copy(update={"ledger": break_glass_directory(settings, config_path)})


def _knows(directory: Path, run: str) -> bool:
    try:
        with open_reader(directory) as ledger:
            ledger.find(run)
    except VqError:
        return False
    return True
