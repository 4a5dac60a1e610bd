"""Giving the traffic to another slot (R4): proved from outside, and back only to something that still stands."""

from actions.model.errors import Stale, VerifyFailed, VqError
from actions.model.platform import Evidence
from actions.platforms.protocols import Changer
from actions.steps.changing import ChangingStep
from actions.steps.contract import StepContext
from actions.steps.prove_slot import wrong


class SwitchTraffic(ChangingStep):
    """One change of the shares of traffic."""

    kind = "switch-traffic"

    def changer(self, context: StepContext) -> Changer:
        """The writing half of the traffic driver."""
        return context.access.traffic_changer(context.plan.service)

    async def check(self, context: StepContext) -> Evidence:
        """As planned, and the slot still runs what it was proved to run: a run may have waited for long since.

        A plan of before `reference` was kept in it is only checked as planned. Raises Stale.
        """
        planned = await super().check(context)
        reference, slot = context.step.params.get("reference"), str(context.step.params.get("slot"))
        if not isinstance(reference, str):
            return planned
        facts = await context.access.workload(context.plan.service, slot).observe()
        if trouble := wrong(facts, reference):
            raise Stale(f"users are not sent to {slot}: {trouble}")
        return Evidence(text=f"{planned.text}; {slot} {facts.ready_count}/{facts.desired} ready", data=planned.data)

    async def verify(self, context: StepContext) -> Evidence:
        """Fresh connections are answered by the chosen slot; from now on traffic has moved."""
        evidence = await super().verify(context)
        return Evidence(text=evidence.text, data={**evidence.data, "moved": True})

    async def undo(self, context: StepContext) -> Evidence:
        """Back to the slot that had the traffic. Raises VerifyFailed when nothing runs there any more."""
        before = context.step.params.get("before")
        if isinstance(before, str):
            await self._still_there(context, before)
        return await super().undo(context)

    async def _still_there(self, context: StepContext, slot: str) -> None:
        try:
            facts = await context.access.workload(context.plan.service, slot).observe()
        except VqError as error:
            raise VerifyFailed(f"traffic stays where it is: {slot} cannot be observed ({error.message})") from error
        if facts.ready_count == 0:
            raise VerifyFailed(f"traffic stays where it is: nothing runs in {slot} any more, going back would be worse")
