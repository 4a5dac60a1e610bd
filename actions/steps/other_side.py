"""Slowness is judged by comparison: what the side that users were taken from answers at the same time.

Where the whole platform is slow, going back helps nobody and costs a second disturbance.
"""

import asyncio
from dataclasses import dataclass

from actions.clients.http import HttpReader, Trouble
from actions.model.errors import Undecided, VerifyFailed
from actions.model.services import HttpService
from actions.steps.contract import StepContext
from actions.steps.outside import reader

QUESTIONS = 3
"""Asked at the same time; the best answer counts, since the question is what going back could gain."""


@dataclass(frozen=True)
class Side:
    """What one slot answers now, asked directly. `seconds` None: nothing came in the time allowed."""

    slot: str
    seconds: float | None

    @property
    def silent(self) -> bool:
        """Whether it answered nothing."""
        return self.seconds is None

    @property
    def words(self) -> str:
        """What to say of it."""
        return (
            f"{self.slot} does not answer" if self.seconds is None else f"{self.slot} answers in {self.seconds:.1f} s"
        )


def left_slot(context: StepContext) -> str | None:
    """The slot that this run takes users from; None where it changes the only one there is, or moves nothing."""
    for step in context.plan.steps:
        before = step.params.get("before")
        if step.kind == "switch-traffic" and isinstance(before, str) and before != step.params.get("slot"):
            return before
    return None


async def other_side(context: StepContext) -> Side | None:
    """What the slot that users were taken from answers now; None where there is none that can be asked."""
    slot, service = left_slot(context), context.environment.services[context.plan.service]
    place = context.access.slots(context.plan.service).get(slot) if slot is not None else None
    if slot is None or place is None or place.url is None or not isinstance(service, HttpService):
        return None
    http = reader(service, place.url)
    try:
        return Side(slot, await _best(http, service.health))
    finally:
        await http.close()


async def _best(http: HttpReader, path: str) -> float | None:
    answers = await asyncio.gather(*(http.get(path, fresh=True) for _ in range(QUESTIONS)))
    return min((one.seconds for one in answers if one.reached and one.trouble is not Trouble.TIMEOUT), default=None)


async def refuse_silence(context: StepContext, words: str) -> None:
    """What follows when nothing at all answered in time. Raises VerifyFailed where going back may help.

    Raises Undecided where the side that was left does not answer either: then traffic stays where it is.
    """
    left = await other_side(context)
    if left is None or not left.silent:
        raise VerifyFailed(f"{words}; {left.words}" if left is not None else words)
    raise Undecided(
        f"{words}; {left.words} either: traffic stays with the release that was asked for; asked for again, the"
        " rollback goes on from here"
    )


async def as_slow(context: StepContext, limit: float, before: float | None) -> str:
    """Why right answers that take longer than `limit` are no reason to go back; empty when they are one.

    Compared with the side that was left; where there is none, with how long answers took `before` the run.
    """
    left = await other_side(context)
    if left is not None:
        quicker = left.seconds is not None and left.seconds < limit
        return "" if quicker else f"at the same time {left.words}"
    return f"before the run it took {before:.1f} s" if before is not None and before >= limit else ""
