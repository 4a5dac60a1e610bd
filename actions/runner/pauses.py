"""Between two steps: commands are obeyed, questions are asked, and the run waits as long as a person needs."""

import asyncio
from typing import TYPE_CHECKING

from actions.ledger.writer import Entry, LostLock
from actions.model.identity import short_id
from actions.model.plan import PlannedStep
from actions.model.record import CommandRow, GateRow
from actions.model.run import EventKind
from actions.model.words import Command, RunState
from actions.runner.alarms import alarm
from actions.runner.journal import Journal
from actions.runner.orders import Decision, Orders
from actions.runner.outcomes import Aborted, BackOut, NeedsOperator, Parked

if TYPE_CHECKING:
    from actions.model.environment import Environment

GO_ON, BACK_OUT = "go on", "back out"
WAIT_SECONDS = 1.0


class Pauses:
    """Obeys what was told, between steps."""

    def __init__(self, journal: Journal, orders: Orders, environment: "Environment") -> None:
        self.journal = journal
        self.orders = orders
        self.environment = environment

    async def state(self) -> RunState:
        """The run's state now."""
        return (await asyncio.to_thread(self.journal.ledger.run, self.journal.run_id)).state

    async def alarm(self, words: str) -> None:
        """Tell every channel of the environment, through the outbox."""
        await asyncio.to_thread(alarm, self.journal.ledger, self.journal.run_id, self.environment, words)

    async def begin(self) -> None:
        """Start or resume."""
        decision = await self._heard()
        if await self.state() is not RunState.RUNNING:
            await self.journal.transition(RunState.RUNNING, "")
        resumed = decision.resume
        if resumed is not None:
            await self.orders.take([row for row in decision.rows if row.id <= resumed.id])

    async def between(self, planned: PlannedStep | None) -> None:
        """Obey what was told, and wait while the run is paused or a question is open. Raises an outcome."""
        await self._obey_all(planned)
        if planned is not None and isinstance(planned.params.get("gate"), dict):
            await self._gate(planned)
            await self._obey_all(planned)

    async def turn_back(self) -> None:
        """The way back has begun: what led to it, and what it leaves without meaning, is taken."""
        decision = await self.orders.look()
        await self._new_owner(decision)
        await self.orders.take([row for row in decision.rows if row.command != Command.PAUSE])

    async def settle(self, why: str) -> None:
        """The run stops for a person: a new owner is heard, and whoever said something else is told why not."""
        decision = await self.orders.look()
        await self._new_owner(decision)
        for row in decision.rows:
            if row.command != Command.TAKE_OVER:  # whoever said that it should go on did not know of this
                text = f"'{row.command}' of {row.by} came too late: the run needs a person: {why}"
                await self.journal.write(Entry(EventKind.NOTE, None, 1, {"text": text}))
        await self.orders.take(decision.rows)

    async def _obey_all(self, planned: PlannedStep | None) -> None:
        """Obey until nothing waits: what comes in while something is obeyed is obeyed as well, never just taken."""
        while True:
            decision = await self._heard()
            if planned is not None and decision.pause is not None:
                await self._pause(decision, decision.pause)
            # After the last step there is nothing left to pause; the end of the run says so.
            obeyed = [row for row in decision.rows if planned is not None or row.command != Command.PAUSE]
            if not obeyed:
                return
            await self.orders.take(obeyed)

    async def _heard(self) -> Decision:
        """What waits, its urgent part obeyed. Raises an outcome."""
        decision = await self.orders.look()
        if self.orders.lost:
            raise LostLock(f"run {short_id(self.journal.run_id)} was taken from this executor; it stopped")
        await self._new_owner(decision)
        if decision.back_out is not None:
            raise BackOut.told(decision.back_out)
        if decision.abort is not None:
            await self._abort(decision.abort)
        if self.orders.terminations:
            raise Parked("told to stop; resume it to go on")
        return decision

    async def _new_owner(self, decision: Decision) -> None:
        owner = decision.owner
        if owner is not None:
            await asyncio.to_thread(
                self.journal.ledger.change_owner, self.journal.run_id, owner.by, reason=owner.reason
            )
            await self.orders.take([row for row in decision.rows if row.command == Command.TAKE_OVER])

    async def _abort(self, row: CommandRow) -> None:
        if not self.journal.progress.changed:
            raise Aborted(f"aborted by {row.by}" + (f": {row.reason}" if row.reason else ""), row)
        text = f"not aborted: something was changed in the meantime; {row.by} may back it out"
        await self.journal.write(Entry(EventKind.NOTE, None, 1, {"text": text}))
        await self.orders.take([row])

    async def _pause(self, told: Decision, pause: CommandRow) -> None:
        """Wait for a resume; nothing but a person ends it."""
        await self.journal.transition(RunState.PAUSED, f"paused by {pause.by}")
        await self.orders.take(told.rows)
        while (heard := await self._heard()).resume is None:
            await self.orders.news(WAIT_SECONDS)
        await self.journal.transition(RunState.RUNNING, f"resumed by {heard.resume.by}")
        await self.orders.take(heard.rows)

    async def _gate(self, planned: PlannedStep) -> None:
        """Ask before this step. Without an answer the run stays paused; it never goes on by itself."""
        gate = await self._ask(planned)
        if gate.answer is None:
            await self.journal.transition(RunState.PAUSED, f"waits for an answer: {gate.question}")
            await self.alarm(f"waits for an answer: {gate.question}")
            while gate.answer is None:
                await self._heard()
                await self.orders.news(WAIT_SECONDS / 2)
                rows = await asyncio.to_thread(self.journal.ledger.gates, self.journal.run_id)
                gate = next(row for row in rows if row.id == gate.id)
            await self.journal.transition(RunState.RUNNING, f"{gate.answered_by} answered '{gate.answer}'")
        if gate.answer == gate.choices[0]:
            return
        words = f"{gate.answered_by} answered '{gate.answer}' to: {gate.question}"
        if not self.journal.progress.changed:
            raise Aborted(words)
        if gate.answer == BACK_OUT:
            raise BackOut(words)
        raise NeedsOperator(words, planned)

    async def _ask(self, planned: PlannedStep) -> GateRow:
        asked = planned.params["gate"]
        assert isinstance(asked, dict)
        choices = asked.get("choices")
        return await asyncio.to_thread(
            self.journal.ledger.open_gate,
            self.journal.run_id,
            str(asked.get("question", planned.title)),
            [str(one) for one in choices] if isinstance(choices, list) else [GO_ON, BACK_OUT],
            step=planned.id,
            fence=self.journal.fence,
            actor=self.journal.actor,
        )
