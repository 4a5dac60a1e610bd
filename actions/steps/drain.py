"""Letting the slots that lost the traffic finish what they were answering; they keep standing."""

import asyncio

from actions.model.platform import Evidence
from actions.model.waiting import until
from actions.steps.contract import Step, StepContext

EVERY = 0.05


class Drain(Step):
    """Waits until no request is under way there. Late ones are a warning with figures, never a reason to go back."""

    kind = "drain"

    async def act(self, context: StepContext) -> Evidence:
        """Only observes."""
        return Evidence(text="waiting for requests under way")

    async def verify(self, context: StepContext) -> Evidence:
        """Raises VerifyFailed with the count that is left at the deadline."""
        listed = context.step.params.get("slots")
        slots = [str(one) for one in listed] if isinstance(listed, list) else []
        traffic = context.access.traffic(context.plan.service)
        if traffic is None or not slots:
            return Evidence(text="nothing to drain")

        async def count() -> dict[str, int | None]:
            return dict(zip(slots, await asyncio.gather(*(traffic.in_flight(slot) for slot in slots)), strict=True))

        seen = await until(count, lambda left: not any(left.values()), context.deadline(), _words, every=EVERY)
        if any(left is None for left in seen.values()):
            return Evidence(text="requests under way cannot be counted here", data={"in_flight": dict(seen)})
        return Evidence(text=f"{', '.join(slots)} drained", data={"in_flight": dict(seen)})


def _words(left: dict[str, int | None]) -> str:
    return ", ".join(f"{slot} still answers {count} requests" for slot, count in left.items() if count)
