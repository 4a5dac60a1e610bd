"""What the two changing steps share: carrying one planned Change through the writing half of its driver."""

from abc import abstractmethod

from actions.model.platform import Change, Evidence, Probe
from actions.platforms.protocols import Changer
from actions.steps.contract import Step, StepContext


class ChangingStep(Step):
    """Delegates every part of the contract to the driver; the idempotency key goes into the effect itself."""

    @abstractmethod
    def changer(self, context: StepContext) -> Changer:
        """The writing half that carries this step's change out."""

    def change(self, context: StepContext) -> Change:
        """The change as it was pinned when planned."""
        return Change.model_validate(context.step.params["change"])

    async def check(self, context: StepContext) -> Evidence:
        """Raises Stale when what is to be changed moved since planning."""
        return await self.changer(context).check(self.change(context))

    async def protect(self, context: StepContext) -> Evidence | None:
        """Undo material, written durably before the intent."""
        return await self.changer(context).protect(self.change(context), context.key, context.folder)

    async def act(self, context: StepContext) -> Evidence:
        """The effect, once."""
        change = self.change(context)
        return await self.changer(context).act(change, context.key, context.folder, context.report)

    async def verify(self, context: StepContext) -> Evidence:
        """The effect, observed."""
        change = self.change(context)
        return await self.changer(context).verify(change, context.key, context.deadline(), context.report)

    async def undo(self, context: StepContext) -> Evidence:
        """What was before, brought back and observed."""
        change, folder = self.change(context), context.folder
        return await self.changer(context).undo(change, context.key, folder, context.deadline(), context.report)

    async def probe(self, context: StepContext) -> Probe:
        """What happened to the effect, decided by what is there now."""
        return await self.changer(context).probe(self.change(context), context.key, context.folder)

    async def manual(self, context: StepContext) -> tuple[str, ...]:
        """What a person must do when even the way back failed."""
        return await self.changer(context).manual(self.change(context), context.folder)
