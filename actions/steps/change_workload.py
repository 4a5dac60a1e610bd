"""Putting another artefact into one slot."""

from actions.platforms.protocols import Changer
from actions.steps.changing import ChangingStep
from actions.steps.contract import StepContext


class ChangeWorkload(ChangingStep):
    """One change of what runs in a slot."""

    kind = "change-workload"

    def changer(self, context: StepContext) -> Changer:
        """The writing half of the slot's workload."""
        return context.access.workload_changer(context.plan.service, str(context.step.params["slot"]))
