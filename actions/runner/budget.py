"""The budget of a whole run: when it is used up that is said everywhere, and the procedure declares what follows."""

import asyncio
from datetime import UTC, datetime

from actions.ledger.writer import Entry
from actions.model.plan import OnFailure, PlannedStep
from actions.model.run import EventKind, Run
from actions.model.waiting import Deadline
from actions.runner.journal import Journal
from actions.runner.outcomes import StepFailed
from actions.runner.pauses import Pauses

LATE = "late"
"""The point of the run's clock at which its budget was used up."""

LOOK_SECONDS = 1.0
_FOLLOWS = {
    OnFailure.WARN: "it goes on: each of its steps ends within a budget of its own",
    OnFailure.UNDO: "what it did is undone",
    OnFailure.STOP: "it stops for a person before its next step",
}


class RunBudget:
    """Watches one run. `at_deadline` is what its procedure declares: WARN goes on, UNDO goes back, STOP asks."""

    def __init__(self, journal: Journal, pauses: Pauses, seconds: float, run: Run, at_deadline: OnFailure) -> None:
        self.seconds = seconds
        self.at_deadline = at_deadline
        self._journal = journal
        self._pauses = pauses
        begun = run.started_at or run.created_at
        self._deadline = Deadline(seconds - max(0.0, (datetime.now(UTC) - begun).total_seconds()))

    @property
    def words(self) -> str:
        """What has happened and what follows."""
        return f"takes longer than its budget of {self.seconds:g} s; {_FOLLOWS[self.at_deadline]}"

    def demand(self, planned: PlannedStep) -> None:
        """Raises StepFailed where the procedure declares that a run whose budget is used up does not go on."""
        if self.at_deadline is not OnFailure.WARN and self._deadline.passed:
            raise StepFailed(self.words, planned.model_copy(update={"on_failure": self.at_deadline}))

    async def watch(self) -> None:
        """Say once, in the journal and to every channel, that the run is late. A run that waits for a person is not."""
        while not self._deadline.passed:  # noqa: ASYNC110 - a clock is waited for
            await asyncio.sleep(self._deadline.remaining())
        while (await self._pauses.state()).waits:  # noqa: ASYNC110 - the state lies in the ledger
            await asyncio.sleep(LOOK_SECONDS)
        if LATE in self._journal.progress.points:
            return
        note = Entry(EventKind.NOTE, None, 1, {"text": self.words})
        await self._journal.write(Entry(EventKind.CLOCK, None, 1, {"point": LATE}), note)
        await self._pauses.alarm(self.words)
