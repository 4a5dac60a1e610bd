"""Carries one run out: forward step by step, or back, from wherever its journal says it stands.

The same code starts, resumes and undoes. Whatever ends it early leaves a journal that another executor can go on from.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from actions.ledger.place import private_directory
from actions.ledger.writer import Entry, LedgerWriter, LostLock
from actions.model.errors import LedgerError, VqError, code_of
from actions.model.fair_timeout import fair_timeout
from actions.model.identity import short_id
from actions.model.plan import OnFailure, PlannedStep
from actions.model.run import EventKind
from actions.model.words import RunState
from actions.runner.background import background
from actions.runner.backward import Backward
from actions.runner.budget import RunBudget
from actions.runner.counting import count
from actions.runner.forward import Forward
from actions.runner.journal import Journal
from actions.runner.orders import Orders
from actions.runner.outcomes import Aborted, BackOut, Interrupted, NeedsOperator, Parked, StepFailed
from actions.runner.pauses import Pauses
from actions.runner.progress import RunProgress
from actions.runner.redaction import Redactor
from actions.runner.workshop import Workshop

if TYPE_CHECKING:
    from actions.model.environment import Environment
    from actions.platforms.access import WriteAccess
    from actions.steps.contract import Step
    from actions.steps.measures import Measures
    from actions.steps.records import Records

MOST_RECOVERIES = 3
MEASURE_SECONDS = 10.0
BACKGROUND = ("own time", "reading commands", "writing progress", "counting losses", "watching the budget")
_ALARMING = {RunState.NEEDS_OPERATOR, RunState.FAILED, RunState.UNDONE}
log = logging.getLogger(__name__)


async def execute(
    run_id: str,
    ledger: LedgerWriter,
    environment: "Environment",
    registry: "Mapping[str, Step]",
    access: "WriteAccess",
    records: "Records",
    measures: "Measures",
    *,
    fence: int,
    actor: str = "executor",
    procedure_version: str | None = None,
    at_deadline: OnFailure = OnFailure.WARN,
    redactor: Redactor | None = None,
    ready: Callable[[Orders], None] | None = None,
) -> RunState:
    """Carry the run out; returns the state it is left in. The caller holds the lock and the token `fence`.

    `procedure_version` is the version of the procedure that this program knows, `at_deadline` what it declares
    for a run whose budget is used up. `ready` is given the orders, to connect signals and the heartbeat. Raises
    LedgerError or LostLock when nothing can be recorded any more.
    """
    plan = await asyncio.to_thread(ledger.plan, run_id)
    events = await asyncio.to_thread(ledger.events, run_id)
    progress = RunProgress(plan, events)
    journal = Journal(ledger, run_id, fence, actor, progress, redactor or Redactor())
    runs = await asyncio.to_thread(private_directory, ledger.directory / "runs" / run_id)
    folder = await asyncio.to_thread(private_directory, runs / "undo")
    workshop = Workshop(plan, environment, registry, access, records, measures, folder)
    orders = Orders(ledger, run_id, lambda: progress.changed)
    if ready is not None:
        ready(orders)
    conductor = Conductor(workshop, journal, orders, procedure_version)
    run = await asyncio.to_thread(ledger.run, run_id)
    conductor.budget = RunBudget(journal, conductor.pauses, plan.budget_seconds, run, at_deadline)
    counting = partial(count, measures, journal, lambda: conductor.measuring)
    works = (workshop.own_time.run, orders.watch, journal.pump, counting, conductor.budget.watch)
    async with background(journal, dict(zip(BACKGROUND, works, strict=True))):
        return await conductor.conduct()


class Conductor:
    """Leads one run through its steps."""

    def __init__(self, workshop: Workshop, journal: Journal, orders: Orders, procedure_version: str | None) -> None:
        self.workshop = workshop
        self.journal = journal
        self.orders = orders
        self.forward = Forward(workshop, journal, orders)
        self.backward = Backward(workshop, journal, orders)
        self.pauses = Pauses(journal, orders, workshop.environment)
        self._procedure_version = procedure_version
        self._started = time.monotonic()
        self.budget: RunBudget | None = None
        self.measuring = False
        self._figures: dict[str, Any] = {}

    async def conduct(self) -> RunState:
        """To the end, or to where a person is needed."""
        try:
            return await self._lead()
        except Interrupted:
            return await self._interrupted()
        except BackOut as told:
            return await self._back(told.message, told)
        except StepFailed as failed:
            return await self._failed(failed)
        except Aborted as told:
            return await self._finish(RunState.ABORTED, told.message, taken=told)
        except NeedsOperator as stuck:
            return await self._stuck(stuck)
        except Parked as parked:
            return await self._parked(parked)

    async def _lead(self) -> RunState:
        progress = self.journal.progress
        heard = await self.orders.look()
        told = heard.back_out or heard.abort
        state = await self.pauses.state()
        if state.waits and heard.resume is None and told is None:
            return state  # it waits for a person, and nobody has said anything: two of them may have started it
        if progress.recoveries > MOST_RECOVERIES and told is None:
            raise NeedsOperator(f"its executor died {progress.recoveries} times in a row")
        if progress.undoing:
            return await self._back("going on with the way back")
        self._same_version()
        failed = progress.failed_step()
        if failed is not None:
            return await self._way_on(StepFailed(failed[1], failed[0]))
        await self.pauses.begin()
        await self._measure(self.workshop.measures.start())
        self.measuring = True
        for planned in self.workshop.plan.steps:
            if not progress.settled(planned):
                await self.pauses.between(planned)
                if self.budget is not None:
                    self.budget.demand(planned)
                await self._step(planned)
        await self.pauses.between(None)
        await self._metrics()
        await self.pauses.between(None)  # measuring took its time: what was told meanwhile is still obeyed
        return await self._finish(RunState.SUCCEEDED, "")

    def _same_version(self) -> None:
        """A run of another version of its procedure is not carried on: its steps may mean something else."""
        planned, known = self.workshop.plan.procedure_version, self._procedure_version
        if known is None or planned == known or self.orders.decision.back_out or self.orders.decision.abort:
            return
        words = f"it was planned by version {planned} of '{self.workshop.plan.procedure}', this program has {known}"
        if not self.journal.progress.changed:
            raise StepFailed(f"{words}; nothing was touched; plan it again", self.workshop.plan.steps[0])
        raise NeedsOperator(f"{words}; back it out, or resume it with the version that began it")

    async def _step(self, planned: PlannedStep) -> None:
        try:
            await self.forward.carry_out(planned)
        except StepFailed as failed:
            await self._journal_failure(failed)
            if planned.on_failure is not OnFailure.WARN:
                raise
        except NeedsOperator as stuck:
            if planned.on_failure is not OnFailure.WARN:
                raise
            await self._journal_failure(StepFailed(stuck.message, planned))  # what is proved stands without this step

    async def _journal_failure(self, failed: StepFailed) -> None:
        attempt = max(1, self.journal.progress.steps[failed.step.id].attempt)
        advice = {
            OnFailure.UNDO: "what was done is undone",
            OnFailure.WARN: "the run goes on",
            OnFailure.STOP: "a person decides",
        }[failed.step.on_failure]
        body = {"error": failed.message, "code": code_of(failed.__cause__ or failed), "advice": advice}
        await self.journal.write(Entry(EventKind.FAILED, failed.step.id, attempt, body))

    async def _failed(self, failed: StepFailed) -> RunState:
        """A failure has reached the run: the declared way on, itself guarded."""
        try:
            return await self._way_on(failed)
        except NeedsOperator as stuck:
            return await self._stuck(stuck)
        except Parked as parked:
            return await self._parked(parked)

    async def _way_on(self, failed: StepFailed) -> RunState:
        words = f"'{failed.step.title}': {failed.message}"
        if not self.journal.progress.changed:
            return await self._finish(RunState.FAILED, f"{words}; nothing was changed")
        if failed.step.on_failure is OnFailure.STOP:
            raise NeedsOperator(words, failed.step)
        return await self._back(words)

    async def _back(self, reason: str, told: BackOut | None = None) -> RunState:
        """The way back. Once begun it is never left for the way forward."""
        if told is not None and not self.journal.progress.changed:
            return await self._finish(RunState.ABORTED, f"{reason}; nothing had been changed", taken=told)
        try:
            await self._break_off(reason)
            if await self.pauses.state() is not RunState.UNDOING:
                await self.journal.transition(RunState.UNDOING, reason)
            await self.pauses.turn_back()
            self.orders.interrupted.clear()
            await self.backward.undo_all()
        except NeedsOperator as stuck:
            return await self._stuck(stuck)
        except Parked as parked:
            return await self._parked(parked)
        return await self._finish(RunState.UNDONE, reason)

    async def _interrupted(self) -> RunState:
        """A wait was broken off: by whom, and what follows."""
        if self.orders.lost:
            raise LostLock(f"run {short_id(self.journal.run_id)} was taken from this executor; it stopped")
        decision = await self.orders.look()
        if decision.back_out is not None:
            return await self._back(BackOut.told(decision.back_out).message, BackOut.told(decision.back_out))
        if decision.abort is not None and not self.journal.progress.changed:
            told = Aborted(f"aborted by {decision.abort.by}", decision.abort)
            return await self._finish(RunState.ABORTED, told.message, taken=told)
        return await self._parked(Parked("told twice to stop"))

    async def _parked(self, parked: Parked) -> RunState:
        if not self.journal.progress.changed and self.orders.terminations > 1:
            return await self._finish(RunState.ABORTED, f"{parked.message}; nothing had been changed")
        figures = await self._metrics()
        if figures:
            await self.journal.write(Entry(EventKind.MEASURED, None, 1, figures))
        if await self.pauses.state() is not RunState.PAUSED:
            await self.journal.transition(RunState.PAUSED, parked.message)
        return RunState.PAUSED

    async def _stuck(self, stuck: NeedsOperator) -> RunState:
        """A person is needed: exact steps first, then the state, so that nobody sees the one without the other.

        Where one has said already that it should go back, that is obeyed, unless it is the way back that failed.
        """
        forth = await self.pauses.state() is not RunState.UNDOING
        told = (await self.orders.look()).back_out if forth else None
        if told is None:
            await self.pauses.settle(stuck.message)
            steps = list(await self.backward.manual(stuck.step))
            await self.journal.write(Entry(EventKind.MANUAL, None, 1, {"steps": steps}))
            state = await self._finish(RunState.NEEDS_OPERATOR, stuck.message)
            told = (await self.orders.look()).back_out if forth else None
        return state if told is None else await self._back(BackOut.told(told).message, BackOut.told(told))

    async def _break_off(self, reason: str) -> None:
        """Steps that only observe and were under way are closed, so that nothing looks as if it still ran."""
        steps = self.journal.progress.steps
        observing = [one for one in self.workshop.plan.steps if not one.changes]
        left = [one for one in observing if steps[one.id].open and steps[one.id].failed is None]
        entries = [Entry(EventKind.SKIPPED, one.id, steps[one.id].attempt, {"reason": reason}) for one in left]
        if entries:
            await self.journal.write(*entries)

    async def _finish(self, state: RunState, reason: str, taken: BackOut | Aborted | None = None) -> RunState:
        metrics = await self._metrics()
        known = self.journal.progress.executors <= 1
        seconds = round(time.monotonic() - self._started, 3) if known else None
        if state is RunState.NEEDS_OPERATOR and await self.pauses.state() is RunState.NEEDS_OPERATOR:
            return state
        if state is RunState.ABORTED:
            await self._break_off(reason)
        if state in _ALARMING:
            await self.pauses.alarm(f"{state.value}: {reason}")
        obeyed = [taken.row.id] if taken is not None and taken.row is not None else []
        await self.journal.finish(state, metrics, reason, seconds, obeyed)
        return state

    async def _metrics(self) -> dict[str, Any]:
        """What was measured until first asked for; a figure nobody could measure is missing or None, never 0."""
        if self.measuring:
            self.measuring = False
            self._figures = dict(await self._measure(self.workshop.measures.stop()) or {})
            problems = [self.journal.redactor.text(one) for one in self.workshop.measures.problems]
            notes = [Entry(EventKind.NOTE, None, 1, {"text": f"not measured: {one}"}) for one in problems]
            if notes:
                await self.journal.write(*notes)
        many = self.journal.progress.executors
        return self._figures | ({"executors": many} if many > 1 else {})

    async def _measure(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Measuring must not fail or delay a run; what went wrong with it is noted."""
        try:
            async with fair_timeout(MEASURE_SECONDS):
                return await work
        except (LedgerError, LostLock):
            raise
        except Exception as error:
            log.exception("measuring failed")
            words = error.message if isinstance(error, VqError) else self.journal.redactor.failure(error)
            await self.journal.write(Entry(EventKind.NOTE, None, 1, {"text": f"measuring failed: {words}"}))
            return None
