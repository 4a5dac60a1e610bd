"""One step forward: check, protect, intent, act, verify, outcome; after a crash, what the probe says."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from actions.ledger.writer import Entry, LostLock, Told
from actions.model.crash import crashpoint
from actions.model.errors import (
    Ambiguous,
    LedgerError,
    OutOfSight,
    Slow,
    Undecided,
    UnknownNameError,
    Unreachable,
    VerifyFailed,
    VqError,
)
from actions.model.patience import fair_timeout
from actions.model.plan import PlannedStep
from actions.model.platform import Evidence, Probe
from actions.model.run import UNDECIDED, EventKind
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.runner.journal import Journal
from actions.runner.orders import Orders
from actions.runner.outcomes import Interrupted, NeedsOperator, StepFailed
from actions.runner.workshop import Try, Workshop, spare
from actions.steps.contract import Step, StepContext

GRACE_SECONDS = 1.0
"""Beyond its own deadline a verification is broken off; its own message is the better one."""

AGAIN_SECONDS = 0.5
"""How often a probe that cannot tell is asked again."""

LOCK = "lock"
T = TypeVar("T")
log = logging.getLogger(__name__)


class Forward:
    """Carries single steps out."""

    def __init__(self, workshop: Workshop, journal: Journal, orders: Orders) -> None:
        self.workshop = workshop
        self.journal = journal
        self.orders = orders

    async def carry_out(self, planned: PlannedStep) -> None:
        """The step, from wherever the journal says it stands. Raises StepFailed with the failure already journalled."""
        if planned.kind == LOCK:
            return await self._lock(planned)
        attempt = self.journal.progress.steps[planned.id].attempt
        step = self._kind(planned)
        try:
            if self.journal.progress.steps[planned.id].open:
                return await self._recover(step, planned, attempt)
            return await self._fresh(step, planned, attempt + 1, self.workshop.limit(planned))
        except (StepFailed, NeedsOperator, Interrupted, LedgerError, LostLock):
            raise
        except OutOfSight as unseen:
            raise NeedsOperator(self.journal.redactor.failure(unseen), planned) from unseen
        except Undecided as error:
            words = self.journal.redactor.failure(error)
            await self.journal.write(Entry(EventKind.NOTE, planned.id, 1, {"text": words, UNDECIDED: True}))
            raise NeedsOperator(words, planned) from error
        except Exception as error:
            raise self._failure(planned, error) from error

    def _kind(self, planned: PlannedStep) -> Step:
        try:
            return self.workshop.registry[planned.kind]
        except (KeyError, UnknownNameError) as error:
            raise StepFailed(f"this version knows no step of kind '{planned.kind}'", planned) from error

    def _failure(self, planned: PlannedStep, error: Exception) -> StepFailed:
        if not isinstance(error, VqError):
            log.exception("step %d (%s) failed unexpectedly", planned.id, planned.kind)
        return StepFailed(self.journal.redactor.failure(error), planned)

    async def _lock(self, planned: PlannedStep) -> None:
        token = self.journal.fence
        body = {"text": f"token {token}", "data": {"token": token}, "seconds": 0.0, "recovered": False}
        intent = {"key": self._key(planned), "title": planned.title}
        await self.journal.write(
            Entry(EventKind.INTENT, planned.id, 1, intent), Entry(EventKind.DONE, planned.id, 1, body)
        )

    def _key(self, planned: PlannedStep) -> str:
        return f"{self.journal.run_id}.{planned.id}"

    async def _fresh(
        self, step: Step, planned: PlannedStep, attempt: int, limit: Deadline, *, last: bool = False
    ) -> None:
        context = self.workshop.context(self.journal, planned, attempt, limit)
        started = time.monotonic()
        checked = await self._prepared(lambda: step.check(context), context, limit, "its preconditions were not read")
        crashpoint(f"protect.{planned.id}.before")
        protected = await self._prepared(
            lambda: step.protect(context), context, limit, "its undo material was not written"
        )
        crashpoint(f"protect.{planned.id}.after")
        body: dict[str, Any] = {"checked": self.journal.redactor.text(checked.text)}
        if protected is not None:
            body["protected"] = self.journal.evidence(protected)
        await self._intent(planned, attempt, body)
        await self._act(Try(step, planned, context, attempt, started, limit, last))

    async def _intent(self, planned: PlannedStep, attempt: int, body: dict[str, Any]) -> None:
        """Commit to the step. Raises Interrupted when something was told while a change was prepared."""
        body = {"key": self._key(planned), "title": planned.title, **body}
        entries = [Entry(EventKind.INTENT, planned.id, attempt, body)]
        if planned.changes and "acted" not in self.journal.progress.points:
            entries.append(_clock("acted"))
        try:
            if planned.changes and self.orders.interrupted.is_set():
                raise Told("told to stop")
            await self.journal.write(*entries, heed=planned.changes)
        except Told as told:
            raise Interrupted(f"step '{planned.title}' was not begun") from told

    async def _act(self, one: Try) -> None:
        planned = one.planned
        crashpoint(f"act.{planned.id}.before")
        try:
            acted = await _within(one.spare, one.step.act(one.context))
        except (Ambiguous, Unreachable, _OutOfTime) as error:
            await self._unanswered(one, self.journal.redactor.failure(error))
        else:
            crashpoint(f"act.{planned.id}.after")
            if planned.changes:
                await self.journal.write(Entry(EventKind.ACTED, planned.id, one.attempt, self.journal.evidence(acted)))
            await self._verify(one, recovered=False)

    async def _unanswered(self, one: Try, words: str) -> None:
        """A write whose answer was lost is never repeated blindly: what is there decides.

        Where it did not take effect, or only in part, it is gone on with once under its key; then it has failed.
        """
        probe = await self._known(one)
        if probe.state is ProbeState.UNKNOWN:
            raise NeedsOperator(f"{words}; and whether it took effect cannot be told: {probe.evidence}", one.planned)
        if probe.state in (ProbeState.DONE, ProbeState.RUNNING):
            await self._verify(one, recovered=False)
        elif one.last:
            raise StepFailed(f"{words}; found: {probe.evidence}", one.planned)
        elif probe.state is ProbeState.NOT_STARTED:
            await self._fresh(one.step, one.planned, one.attempt + 1, one.limit, last=True)
        else:
            await self._go_on(one, f"goes on after a lost answer: {probe.evidence}", last=True)

    async def _recover(self, step: Step, planned: PlannedStep, attempt: int) -> None:
        """The step was under way when its executor died: the probe decides, not a replay."""
        limit = self.workshop.limit(planned)
        context = self.workshop.context(self.journal, planned, attempt, limit)
        one = Try(step, planned, context, attempt, time.monotonic(), limit)
        acted = self.journal.progress.steps[planned.id].acted
        probe = await self._known(one)
        match probe.state:
            case ProbeState.DONE | ProbeState.RUNNING:
                await self._verify(one, recovered=True)
            case ProbeState.NOT_STARTED if acted and planned.changes:
                raise StepFailed(f"its effect is gone, somebody else changed it: {probe.evidence}", planned)
            case ProbeState.NOT_STARTED:
                await self._fresh(step, planned, attempt + 1, limit)
            case ProbeState.PARTIAL:
                await self._go_on(one, f"goes on after a crash: {probe.evidence}", last=False)
            case _:
                raise NeedsOperator(f"whether it took effect cannot be told: {probe.evidence}", planned)

    async def _go_on(self, one: Try, words: str, *, last: bool) -> None:
        """A part of it is there: acted again under its key, it is completed."""
        attempt = one.attempt + 1
        await self._intent(one.planned, attempt, {"checked": self.journal.redactor.text(words)})
        context = self.workshop.context(self.journal, one.planned, attempt, one.limit)
        await self._act(Try(one.step, one.planned, context, attempt, one.started, one.limit, last))

    async def _known(self, one: Try) -> Probe:
        """What the probe finds; while it cannot tell it is asked again, as long as the budget lasts."""
        probe = await self._probe(one)
        await self._probed(one, probe)
        if probe.state is not ProbeState.UNKNOWN or one.spare <= 0:
            return probe
        one.context.report(f"whether it took effect cannot be told yet, looking again: {probe.evidence}")
        while probe.state is ProbeState.UNKNOWN and one.spare > 0:
            await self._rest(one.planned, min(AGAIN_SECONDS, one.spare))
            probe = await self._probe(one)
        await self._probed(one, probe)
        return probe

    async def _rest(self, planned: PlannedStep, seconds: float) -> None:
        """Raises Interrupted when something is told meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self.orders.interrupted.wait()
        except TimeoutError:
            return
        raise Interrupted(f"step '{planned.title}' was broken off")

    async def _probe(self, one: Try) -> Probe:
        """One look, with whatever time is left before the proof, and a moment where nothing is left."""
        try:
            return await _within(max(one.spare, AGAIN_SECONDS), one.step.probe(one.context))
        except Exception as error:  # noqa: BLE001 - a probe that errs knows nothing, and that is its verdict
            return Probe(state=ProbeState.UNKNOWN, evidence=f"the probe failed: {self.journal.redactor.failure(error)}")

    async def _probed(self, one: Try, probe: Probe) -> None:
        body = {
            "state": probe.state.value,
            "evidence": self.journal.redactor.text(probe.evidence),
            "found": self.journal.redactor.value(probe.data),
        }
        await self.journal.write(Entry(EventKind.PROBED, one.planned.id, one.attempt, body))

    async def _verify(self, one: Try, *, recovered: bool) -> None:
        planned, attempt = one.planned, one.attempt
        crashpoint(f"verify.{planned.id}.before")
        seen = await self._interruptible(one.step.verify(one.context), one)
        crashpoint(f"verify.{planned.id}.after")
        body = self.journal.evidence(seen)
        entries = [Entry(EventKind.VERIFIED, planned.id, attempt, body)]
        points = self.journal.progress.points
        entries += [
            _clock(name) for name in ("moved", "recovered") if seen.data.get(name) is True and name not in points
        ]
        seconds = round(time.monotonic() - one.started, 3)
        entries.append(Entry(EventKind.DONE, planned.id, attempt, body | {"seconds": seconds, "recovered": recovered}))
        await self.journal.write(*entries)

    async def _prepared(
        self, work: Callable[[], Coroutine[Any, Any, T]], context: StepContext, limit: Deadline, words: str
    ) -> T:
        """What `work` reads or writes down before the act. Raises StepFailed when it does not return in time.

        A platform that is away fails a run at once while nothing is changed. One that is slow is asked again. With a
        change standing either is waited for: the way back needs it as well.
        """
        planned = context.step
        while True:
            try:
                return await _within(max(spare(planned, limit), AGAIN_SECONDS), work())
            except _OutOfTime:
                raise StepFailed(f"{words} within {planned.budget_seconds:g} s", planned) from None
            except Unreachable as error:
                away = not isinstance(error, Slow) and not self.journal.progress.changed
                if away or spare(planned, limit) <= 0:
                    raise
                context.report(f"waiting: {error.message}")
            await self._rest(planned, min(AGAIN_SECONDS, spare(planned, limit)))

    async def _interruptible(self, work: Coroutine[Any, Any, Evidence], one: Try) -> Evidence:
        """A wait that an operator can break off. Raises Interrupted, or VerifyFailed past the deadline."""
        planned = one.planned
        task = asyncio.ensure_future(work)
        told = asyncio.ensure_future(self.orders.interrupted.wait())
        try:
            while not (task.done() or told.done()) and not one.limit.passed:
                await asyncio.wait({task, told}, timeout=one.limit.remaining(), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({task, told}, timeout=GRACE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if told.done():
                raise Interrupted(f"step '{planned.title}' was broken off")
            raise VerifyFailed(f"its outcome was not observed within {planned.budget_seconds:g} s")
        finally:
            for waiting in (task, told):
                waiting.cancel()
            await asyncio.gather(task, told, return_exceptions=True)


class _OutOfTime(VqError):
    """A call did not return in time; what it did is not known."""


async def _within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, or _OutOfTime; a TimeoutError of its own passes as it is."""
    try:
        async with fair_timeout(seconds) as limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
        raise _OutOfTime(f"it did not return within {seconds:g} s") from None


def _clock(point: str) -> Entry:
    return Entry(EventKind.CLOCK, None, 1, {"point": point})
