"""Taking the lock: the runner does it before any step; this step only shows what holds."""

from actions.model.platform import Evidence
from actions.steps.contract import Step, StepContext


class Lock(Step):
    """Names the token under which every later write of this run is made."""

    kind = "lock"

    async def act(self, context: StepContext) -> Evidence:
        """Nothing: the executor would not be here without the lock."""
        return await self.verify(context)

    async def verify(self, context: StepContext) -> Evidence:
        """The fence of this executor."""
        return Evidence(text=f"token {context.records.fence}", data={"token": context.records.fence})
