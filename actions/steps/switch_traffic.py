"""Giving the traffic to another slot: proved from outside, and back only to something that still stands."""

from actions.model.errors import Stale, VerifyFailed, VqError
from actions.model.patience import tried
from actions.model.platform import Evidence
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.platforms.protocols import Changer
from actions.steps.changing import ChangingStep
from actions.steps.contract import StepContext
from actions.steps.other_side import other_side
from actions.steps.prove_slot import wrong

TRY_SECONDS = 5.0
NEVER = "traffic was never switched"


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
        """Fresh connections are answered by the chosen slot; from now on traffic has moved.

        A switch that is in force and whose proof fails while the slot that was left is silent is not undone: nothing
        would be gained there. The proof from outside decides.
        """
        try:
            evidence = await super().verify(context)
        except VerifyFailed as error:
            left = await other_side(context)
            if left is None or not left.silent or (await self.probe(context)).state is not ProbeState.DONE:
                raise
            return Evidence(text=f"in force, not proved yet: {error.message}; {left.words}")
        return Evidence(text=evidence.text, data={**evidence.data, "moved": True})

    async def undo(self, context: StepContext) -> Evidence:
        """Back to the slot that had the traffic. Raises VerifyFailed when nothing runs there any more.

        Traffic that was never switched is there still, whatever became of that slot; the driver's way back is gone all
        the same, since a switch that was begun may otherwise take effect late.
        """
        if await self._never(context):
            undone = await super().undo(context)
            return undone if NEVER in undone.text else Evidence(text=f"{NEVER}; {undone.text}", data=undone.data)
        before = context.step.params.get("before")
        if isinstance(before, str):
            await self._still_there(context, before)
        return await super().undo(context)

    async def _never(self, context: StepContext) -> bool:
        """Whether the switch surely never took effect; while nobody can tell, it may have."""
        try:
            return (await self.probe(context)).state is ProbeState.NOT_STARTED
        except VqError:
            return False

    async def _still_there(self, context: StepContext, slot: str) -> None:
        try:
            workload = context.access.workload(context.plan.service, slot)
            facts = await tried(workload.observe, TRY_SECONDS, Deadline(context.deadline().remaining() / 2))
        except VqError as error:
            stays = await self._stays(context)
            raise VerifyFailed(f"{stays}: {slot} cannot be observed ({error.message})") from error
        if facts.ready_count == 0:
            stays = await self._stays(context)
            raise VerifyFailed(f"{stays}: nothing runs in {slot} any more, going back would be worse")

    async def _stays(self, context: StepContext) -> str:
        """Who has the traffic now, as far as that can be told."""
        traffic = context.access.traffic(context.plan.service)
        try:
            facts = await traffic.observe() if traffic is not None else None
        except VqError as error:
            return f"traffic stays where it is, nobody can tell where ({error.message})"
        shares = facts.shares if facts is not None else {}
        given = ", ".join(f"{name} {share:.0%}" for name, share in shares.items() if share > 0)
        return f"traffic stays with {given}" if given else "traffic stays where it is, nobody can tell where"
