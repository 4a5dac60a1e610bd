"""The writing door: requests, commands, answers. Holds the ledger's writer; writing clients live only in executors."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from actions.desk.ledger_door import either, place
from actions.desk.rehearsals import Rehearsals
from actions.desk.viewer import Viewer
from actions.ledger import open_writer
from actions.model.environment import Settings
from actions.model.errors import LedgerError, ReadOnlyError
from actions.model.glass import ImportReport
from actions.model.health import Snapshot
from actions.model.plan import Release, RollbackRequest
from actions.model.platform import LiftedPin
from actions.model.record import CommandRow, Drill, KeeperFacts, Submitted
from actions.model.run import Executor
from actions.model.supervised import Supervised
from actions.model.words import Command
from actions.releases.upkeep import EVERY_SECONDS, FIRST_SECONDS

if TYPE_CHECKING:
    from actions.desk.watch_releases import WatchReleases
    from actions.ledger.writer import LedgerWriter
    from actions.runner.prepared import PreparedExecutor

RETRY_SECONDS = 2.0
"""How often a ledger that cannot be written is tried again, where nothing else tells of a change."""

FORGIVEN_SECONDS = 15.0
"""After so long without another failed write the record is well again: releases are written down more often."""


class Operator(Viewer):
    """A Viewer that may also ask for runs and steer them."""

    read_only = False

    def __init__(self, settings: Settings, config_path: Path, environment: str) -> None:
        super().__init__(settings, config_path, environment)
        if self.environment.read_only:
            raise ReadOnlyError(f"'{environment}' is configured read_only = true: it can only be looked at")
        self._writer: LedgerWriter | None = None
        self._written: tuple[int, int] | None = None
        self._unwritable = ""
        self._failed = 0.0
        self._keeping = Supervised("opening the ledger for writing", self._keep_writer)
        self._tidying = Supervised("upkeep", self._tidy)
        self.rehearsals = Rehearsals(self)
        self._releases: WatchReleases | None = None
        self.prepared: PreparedExecutor | None = None

    @property
    def writer(self) -> "LedgerWriter":
        """The ledger's writer. Raises LedgerError while there is none, with what is in the way."""
        if self._writer is None:
            raise LedgerError(self.trouble or "the ledger is not open for writing: the desk was not started")
        return self._writer

    @property
    def trouble(self) -> str:
        """What is wrong with the record for as long as it is: while it cannot be written, nothing can be done."""
        return self.ledger.problem or self._unwritable

    @property
    def unwatched(self) -> str:
        """As of a Viewer, and why the ledger is not opened for writing by itself any more."""
        return super().unwatched or self._keeping.problem or self._tidying.problem

    def require_writer(self) -> None:
        """Raises LedgerError when nothing can be done because nothing can be written down."""
        if self._writer is None:
            raise LedgerError(self.trouble or "the ledger is being opened for writing; try again in a moment")

    async def prepare(self) -> None:
        """Start an executor that loads its libraries while a decision is made; the next run of this session gets it."""
        from actions.runner.launch import prepare

        if self.prepared is None or not self.prepared.waiting:
            self.prepared = await asyncio.to_thread(prepare, self.ledger.directory, self.environment)

    def take_prepared(self) -> "PreparedExecutor | None":
        """The prepared executor, to be given one run; None where there is none."""
        prepared, self.prepared = self.prepared, None
        return prepared

    async def submit(self, request: RollbackRequest, expected_digest: str | None = None) -> Submitted:
        """Plan from fresh facts and have the plan carried out.

        Asked twice, or by two operators at once, it is one run: the second is told of it (`created` False). Raises
        Stale when the plan is no longer the one with `expected_digest`, Refused, Busy, UnknownNameError, LedgerError.
        """
        from actions.desk import steering

        return await self._call(steering.submit(self, request, expected_digest))

    async def command(self, run_id: str, command: Command, reason: str = "") -> CommandRow | None:
        """Tell a run something; one whose executor is gone gets a new one that hears it. Raises Refused, Busy."""
        if command is Command.TAKE_OVER:
            await self.take_over(run_id, reason)
            return None
        if command is Command.RESUME:
            await self.resume(run_id)
            return None
        from actions.desk import steering

        return await self._call(steering.command(self, run_id, command, reason))

    async def take_over(self, run_id: str, reason: str = "", *, stop: bool = False) -> Executor:
        """Become the owner of a run and have it carried out; returns who did so until now.

        An executor that hangs or is stopped holds the target: only with `stop` is it ended first. Raises Refused, Busy.
        """
        from actions.desk import steering

        return await self._call(steering.own(self, run_id, reason, stop))

    async def resume(self, run_id: str) -> None:
        """Let a paused run go on, or start a new executor for one whose executor is gone."""
        from actions.desk import steering

        await self._call(steering.resume(self, run_id))

    async def close_run(self, run_id: str, reason: str) -> None:
        """End a run that waits for a person who has put things right by hand. Raises Busy, Refused, UsageError."""
        await self._call(asyncio.to_thread(lambda: self.writer.close_run(run_id, by=self.operator, reason=reason)))

    async def clear_release(self, name: str, reason: str, service: str | None = None) -> Release:
        """Take back what is held against a release: it has to earn 'good' anew. Raises Refused, UnknownNameError."""

        def clear(about: str) -> Release:
            return self.writer.clear_release(self.environment_name, about, name, by=self.operator, reason=reason)

        about = self.watching.named(RollbackRequest(environment=self.environment_name, service=service)).service
        return await self._call(asyncio.to_thread(clear, str(about)))

    async def lift_pin(self, service: str | None = None) -> tuple[LiftedPin, ...]:
        """Take away what keeps the next deploy of a service on one release. Raises Busy, Refused, Stale."""
        from actions.desk.upkeep import lift_pins

        about = self.watching.named(RollbackRequest(environment=self.environment_name, service=service)).service
        return await self._call(lift_pins(self, str(about)))

    async def answer(self, run_id: str, gate_id: str, answer: str) -> None:
        """Answer a question of a run. Raises Refused when somebody else answered before."""
        from actions.desk import steering

        await self._call(steering.answer(self, run_id, gate_id, answer))

    async def bring_in(self) -> ImportReport:
        """The runs that were made under broken glass, into this ledger. Raises LedgerError or Busy."""
        from actions.desk.bring_in import bring_in

        return await self._call(
            asyncio.to_thread(lambda: bring_in(self.writer, self.emergency, self.config_path, by=self.operator))
        )

    async def start_keeper(self) -> KeeperFacts:
        """Start the process that observes while no console is open; returns once it runs."""
        from actions.keeper.launch import start_keeper

        return await self._call(start_keeper(self.ledger.directory, self.config_path))

    async def stop_keeper(self) -> KeeperFacts:
        """End the keeper; returns once it is gone."""
        from actions.keeper.launch import stop_keeper

        return await self._call(stop_keeper(self.ledger.directory))

    async def start_drill(self, scenario: str) -> Drill:
        """Break the embedded stack as the scenario says. Raises Refused where no drills are allowed."""
        return await self._call(self.rehearsals.start(scenario))

    async def end_drill(self, drill_id: str) -> Drill:
        """Score a drill and mend what it broke."""
        return await self._call(self.rehearsals.end(drill_id))

    async def _open_ledger(self) -> None:
        """A ledger that cannot be written takes no health away: it is tried again, and acting says what is wrong."""
        await self._open_writer()
        await super()._open_ledger()

    async def _begin(self, polling: bool) -> None:
        await super()._begin(polling)
        from actions.desk import steering  # noqa: F401 - loaded now, so that confirming a rollback waits for no library
        from actions.desk.watch_releases import WatchReleases

        self._releases = WatchReleases(self)
        self.watching.beside.watchers.append(self._observe)
        self.watching.offered = self._offered
        self._keeping.start()
        self._tidying.start()

    async def _open_writer(self) -> None:
        try:
            self._writer = await asyncio.to_thread(open_writer, self.ledger.directory)
            self._written, self._unwritable = place(self.ledger.directory), ""
            await self.rehearsals.begin()
        except LedgerError as error:
            self._unwritable = error.message

    async def _keep_writer(self) -> None:
        """Open the writer once that is possible, and let go of one whose ledger is not there any more."""
        while True:
            news = self.ledger.changed.waiter()
            readable = await self.ledger.open()
            if self._writer is not None and self._written != place(self.ledger.directory):
                await self._close_writer()
            if self._writer is None and (readable or self.ledger.missing):
                await self._open_writer()
            await either(news, RETRY_SECONDS)

    async def _tidy(self) -> None:
        """What a keeper does outside of runs, while none is at work and this session lasts."""
        from actions.desk.upkeep import tidy

        await asyncio.sleep(FIRST_SECONDS)
        while True:
            if self._writer is not None:
                await tidy(self.environment_name, self.environment, self._writer)
            await asyncio.sleep(EVERY_SECONDS)

    async def _observe(self, snapshot: Snapshot) -> None:
        """Drills and releases watch too. A ledger that cannot be written is trouble for all that is done here."""
        if self._writer is None or self._releases is None:
            return
        try:
            await self.rehearsals.observe(snapshot)
            await self._releases.observe(snapshot)
        except LedgerError as error:
            self._unwritable, self._failed = error.message, time.monotonic()
        else:
            if time.monotonic() - self._failed > FORGIVEN_SECONDS:
                self._unwritable = ""

    async def _offered(self) -> None:
        if self._writer is not None:
            await self.rehearsals.offered()

    async def _end(self) -> None:
        prepared = self.take_prepared()
        if prepared is not None:
            prepared.close()
        await self._keeping.stop()
        await self._tidying.stop()
        await super()._end()
        if self._releases is not None:
            self._releases.end()
        await self._close_writer()

    async def _close_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.to_thread(writer.close)
