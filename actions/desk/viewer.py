"""The reading door: all that a screen or command may look at. Holds reading halves only: nothing to leak."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from actions.config import break_glass_directory, command_line
from actions.desk import look
from actions.desk.changed import changed
from actions.desk.identity import identify
from actions.desk.ledger_door import LedgerDoor
from actions.desk.loop import LoopThread, stream
from actions.desk.waiting import glass_words, waiting
from actions.model.environment import Settings
from actions.model.errors import LedgerError, UnknownNameError, VqError
from actions.model.glass import BrokenGlass
from actions.model.health import Check, Snapshot
from actions.model.plan import Readiness, Release, RollbackOffer, RollbackRequest
from actions.model.record import AuditReport, ChangeNote, Drill, GateRow, KeeperFacts, RunPage, RunQuery
from actions.model.run import Executor, Run, RunView
from actions.model.views import LogCounts, Scenario, SlotView
from actions.platforms.access import Access
from actions.releases.gather import candidates

if TYPE_CHECKING:
    from actions.desk.watching import Watching

T = TypeVar("T")
CLOSE_SECONDS = 3.0


class Viewer:
    """One environment, looked at. All async methods may be called from any loop; the work is done on the desk's own."""

    read_only = True
    broken_glass: BrokenGlass | None = None

    def __init__(self, settings: Settings, config_path: Path, environment: str) -> None:
        if environment not in settings.environments:
            known = ", ".join(settings.environments) or "none"
            raise UnknownNameError(f"no environment '{environment}' in {config_path}; configured: {known}")
        self.settings = settings
        self.config_path = config_path
        self.environment_name = environment
        self.environment = settings.environments[environment]
        self.identity = identify()
        self.operator, self.host = self.identity.operator, self.identity.host
        self.access = Access(environment, self.environment)
        self.ledger = LedgerDoor(look.ledger_directory(settings))
        self.emergency = break_glass_directory(settings, config_path)
        self._watching: Watching | None = None
        self._thread = LoopThread(f"desk {environment}")

    # Life

    async def start(self, *, polling: bool = False) -> None:
        """Begin to work; with `polling` health is asked for at once, while the ledger is being opened.

        A missing or unreadable ledger is noted in `ledger_note`, never raised.
        """
        await asyncio.to_thread(self._thread.start)
        await self._thread.call(self._begin(polling))

    async def close(self) -> None:
        """Give everything back, within seconds also when a source hangs."""
        if self._thread.running:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._thread.call(self._end())
            except TimeoutError:
                pass  # a client that hangs in its farewell dies with the thread below
        await asyncio.to_thread(self._thread.stop, CLOSE_SECONDS)

    @property
    def ledger_note(self) -> str:
        """Why the history is empty: no ledger yet, or what is wrong with it. Empty when it is open."""
        return self.ledger.note

    @property
    def trouble(self) -> str:
        """What is wrong with the record for as long as it is; empty when all is well, and when there never was one."""
        return self.ledger.problem

    @property
    def unwatched(self) -> str:
        """Why releases, drills or the ledger are not watched, as far as this desk does that; empty when all is well."""
        return self._watching.beside.problem or self._watching.problem if self._watching is not None else ""

    @property
    def ledger_version(self) -> int:
        """Grows whenever the ledger was seen to have been written to, replaced, lost or found; safe from any thread."""
        return self.ledger.version

    def require_ledger(self) -> None:
        """Raises LedgerError when there is no ledger to read."""
        if self.ledger.note:
            raise LedgerError(look.ledger_words(self.ledger))

    @property
    def watching(self) -> "Watching":
        """The background work. Raises VqError before `start`."""
        if self._watching is None:
            raise VqError("the desk was not started")
        return self._watching

    # Now

    def snapshots(self) -> AsyncIterator[Snapshot]:
        """Every new snapshot, the newest at once; a slow reader skips some. Ends when the desk closes."""
        return stream(self._thread, lambda put: self.watching.feed(put))

    async def snapshot(self) -> Snapshot:
        """The newest snapshot in which every source was tried at least once; waits for it."""
        return await self._thread.call(self.watching.first_snapshot(complete=True))

    @property
    def rollback_services(self) -> tuple[str, ...]:
        """Services an emergency rollback may be about; where there are several, one has to be named."""
        return candidates(self.environment)

    async def readiness(self, service: str | None = None) -> Readiness:
        """Readiness of the way back, kept ready in the background."""
        return await self._thread.call(self.watching.readiness(self._request(service)))

    async def offer(self, request: RollbackRequest) -> RollbackOffer:
        """The rollback screen's content for this request, kept ready in the background."""
        return await self._thread.call(self.watching.offer(request))

    async def slots(self, service: str) -> tuple[SlotView, ...]:
        """What stands where, as last gathered; empty for a service that is not managed here."""
        return await self._thread.call(look.slots(self.watching, self._request(service)))

    async def log_tail(self, service: str, slot: str, instance: str, lines: int = 200) -> tuple[str, ...]:
        """The last lines of one instance's log. Raises Unreachable or UnknownNameError."""
        return await self._thread.call(look.log_tail(self.access, service, slot, instance, lines))

    async def log_counts(self, service: str) -> LogCounts:
        """What the recent logs of a service hold, counted."""
        return await self._thread.call(look.log_counts(self.watching, self._request(service)))

    # History

    async def find(self, identifier: str) -> str:
        """The full id of a run. Raises UnknownNameError."""
        return await self._thread.call(self.ledger.demand(lambda ledger: ledger.find(identifier)))

    async def runs(self, query: RunQuery) -> RunPage:
        """One page of the history; empty while there is no ledger."""
        nothing = RunPage(runs=(), total=0)
        return await self._thread.call(self.ledger.read(lambda ledger: ledger.runs(query), nothing))

    async def run(self, run_id: str) -> RunView:
        """One run, folded from its journal."""
        return await self._thread.call(self.ledger.demand(lambda ledger: ledger.view(run_id)))

    def follow(self, run_id: str) -> AsyncIterator[RunView]:
        """The run as it stands, and again whenever its journal grows, until it has ended for good."""

        async def feed(put: Callable[[RunView], None]) -> None:
            await look.follow(self.ledger, run_id, put)

        return stream(self._thread, feed)

    async def active(self) -> Run | None:
        """The run that holds this environment."""
        return await self._thread.call(self.ledger.read(lambda ledger: ledger.active(self.environment_name), None))

    async def executor(self, run_id: str) -> Executor:
        """Who carries the run out, and whether it lives."""
        return await self._thread.call(self.ledger.demand(lambda ledger: ledger.executor(run_id)))

    async def gates(self, run_id: str) -> tuple[GateRow, ...]:
        """The questions a run asked."""
        return await self._thread.call(self.ledger.demand(lambda ledger: ledger.gates(run_id)))

    async def releases(self, service: str) -> tuple[Release, ...]:
        """Releases that were seen, newest first."""
        name = self.environment_name
        return await self._thread.call(self.ledger.read(lambda ledger: ledger.releases(name, service), ()))

    async def changes(self, limit: int = 20) -> tuple[ChangeNote, ...]:
        """What changed lately, newest first; runs that did not end as meant are among it."""
        name = self.environment_name
        return await self._thread.call(self.ledger.read(lambda ledger: changed(ledger, name, limit), ()))

    async def keeper(self) -> KeeperFacts:
        """Whether a keeper observes while no console is open."""
        nobody = KeeperFacts(alive=False)
        return await self._thread.call(self.ledger.read(lambda ledger: ledger.keeper(), nobody))

    async def audit(self) -> AuditReport:
        """Walk the hash chain. Raises LedgerError when there is no ledger."""
        return await self._thread.call(self.ledger.demand(lambda ledger: ledger.verify()))

    async def drills(self) -> tuple[Drill, ...]:
        """Past and open rehearsals, newest first."""
        name = self.environment_name
        return await self._thread.call(self.ledger.read(lambda ledger: ledger.drills(name), ()))

    def scenarios(self) -> tuple[Scenario, ...]:
        """What can be rehearsed here; empty unless this environment is for drills."""
        return look.scenarios(self.environment)

    async def waiting(self) -> str:
        """Which runs made under broken glass wait for 'vq-tui audit import', in words; empty when none does."""
        return await self._thread.call(asyncio.to_thread(waiting, self.emergency, self.ledger.directory))

    def glass_command(self, service: str | None = None, to: str | None = None) -> str:
        """The command that rolls back all the same while the ledger refuses, from any directory."""
        return command_line(glass_words(service, to), self.config_path.absolute(), self.environment_name)

    async def doctor(self) -> tuple[Check, ...]:
        """What would stand in the way tonight, with what to do about it."""
        from actions.desk.doctor import checks

        return await self._thread.call(checks(self))

    # For the halves of the desk itself

    def _request(self, service: str | None) -> RollbackRequest:
        return RollbackRequest(environment=self.environment_name, service=service)

    async def _begin(self, polling: bool) -> None:
        # Loaded here, on the desk's own thread: drawing the first frame does not wait for database and HTTP libraries.
        from actions.desk.watching import Watching

        self._watching = Watching(self.access, self.ledger)
        if polling:
            self._watching.poll()
        await self._open_ledger()
        self._watching.begin()

    async def _open_ledger(self) -> None:
        await self.ledger.open()

    async def _end(self) -> None:
        if self._watching is not None:
            await self._watching.end()
        await self.access.close()
        await self.ledger.close()

    async def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return await self._thread.call(work)
