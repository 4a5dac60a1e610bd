"""The way back: every effect that may stand is undone, newest first, and each undo verifies what it brought back."""

import logging

from actions.config import command_line
from actions.ledger.writer import Entry, LostLock
from actions.model.crash import crashpoint
from actions.model.errors import LedgerError, code_of
from actions.model.fair_timeout import fair_timeout
from actions.model.identity import short_id
from actions.model.plan import PlannedStep
from actions.model.run import EventKind
from actions.runner.forward import GRACE_SECONDS
from actions.runner.journal import Journal
from actions.runner.orders import Orders
from actions.runner.outcomes import NeedsOperator, Parked
from actions.runner.workshop import Workshop

log = logging.getLogger(__name__)

MANUAL_SECONDS = 30.0
"""How long one step may look around before it says what a person must do."""


class Backward:
    """Undoes what a run did."""

    def __init__(self, workshop: Workshop, journal: Journal, orders: Orders) -> None:
        self.workshop = workshop
        self.journal = journal
        self.orders = orders

    async def undo_all(self) -> None:
        """Undo all that may stand. Stops at the first failure: undoing beneath it could pull the ground away.

        Raises NeedsOperator, Parked, LedgerError.
        """
        for planned in self.journal.progress.to_undo():
            if self.orders.terminations:
                raise Parked("told to stop in the middle of the way back")
            await self._undo(planned)
        for planned in self.workshop.plan.steps:  # what was recorded of it is true no more
            if self.journal.progress.steps[planned.id].standing and self._records(planned):
                await self._undo(planned)

    def _records(self, planned: PlannedStep) -> bool:
        registry = self.workshop.registry
        return planned.kind in registry and registry[planned.kind].records

    async def _undo(self, planned: PlannedStep) -> None:
        attempt = self.journal.progress.steps[planned.id].attempt
        limit = self.workshop.limit(planned)
        context = self.workshop.context(self.journal, planned, attempt, limit)
        await self.journal.write(Entry(EventKind.UNDO_INTENT, planned.id, attempt, {"key": context.key}))
        crashpoint(f"undo.{planned.id}.before")
        try:
            step = self.workshop.registry[planned.kind]
            async with fair_timeout(planned.budget_seconds + GRACE_SECONDS):
                undone = await step.undo(context)
        except (LedgerError, LostLock):
            raise
        except Exception as error:
            log.exception("undo of step %d (%s) failed", planned.id, planned.kind)
            words = f"not undone within {planned.budget_seconds:g} s" if isinstance(error, TimeoutError) else ""
            words = words or self.journal.redactor.failure(error)
            body = {"error": words, "code": code_of(error), "manual": list(await self.manual_of(planned))}
            await self.journal.write(Entry(EventKind.UNDO_FAILED, planned.id, attempt, body))
            raise NeedsOperator(f"the way back failed at '{planned.title}': {words}", planned) from error
        crashpoint(f"undo.{planned.id}.after")
        await self.journal.write(Entry(EventKind.UNDONE, planned.id, attempt, self.journal.evidence(undone)))

    async def manual(self, at: PlannedStep | None) -> tuple[str, ...]:
        """What a person must do now: the steps back of all that may stand, from the one where it stopped."""
        standing = self.journal.progress.to_undo()
        chosen = ((at,) if at is not None and at not in standing else ()) + standing
        lines = [line for planned in chosen for line in await self.manual_of(planned)]
        run, ledger = self.journal.run_id, self.journal.ledger
        where = ledger.config_path(run), self.workshop.plan.environment
        resume = command_line(f"runs resume {short_id(run)}", *where)
        lines.append(f"when it is put right: {resume} (goes on from what it then finds)")
        return tuple(lines)

    async def manual_of(self, planned: PlannedStep) -> tuple[str, ...]:
        """The manual way back of one step, in its own exact words, by what it finds now."""
        attempt = self.journal.progress.steps[planned.id].attempt
        try:
            step = self.workshop.registry[planned.kind]
            async with fair_timeout(MANUAL_SECONDS):
                lines = await step.manual(self.workshop.context(self.journal, planned, attempt))
        except Exception as error:
            log.exception("manual steps of step %d cannot be told", planned.id)
            return (f"{planned.title}: look at it by hand; {self.journal.redactor.failure(error)}",)
        return tuple(self.journal.redactor.text(line) for line in lines) or (
            f"{'undo' if planned.changes else 'look at it'} by hand: {planned.title}",
        )
