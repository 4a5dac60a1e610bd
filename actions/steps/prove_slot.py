"""The chosen slot, asked directly and around the traffic driver, before users are sent there."""

from actions.model.platform import Evidence, WorkloadFacts
from actions.model.services import HttpService
from actions.model.waiting import until
from actions.steps.contract import Step, StepContext
from actions.steps.outside import Judged, ask_health, expected_word, reader

EVERY = 0.05


class ProveSlot(Step):
    """Right version, healthy, every instance ready; polled, because a slot may just have been started."""

    kind = "prove-slot"

    async def act(self, context: StepContext) -> Evidence:
        """Only observes."""
        return Evidence(text="asking the slot directly")

    async def verify(self, context: StepContext) -> Evidence:
        """Raises VerifyFailed with the last thing seen."""
        params = context.step.params
        slot, version, reference = str(params["slot"]), str(params["version"]), str(params["reference"])
        workload = context.access.workload(context.plan.service, slot)
        deadline = context.deadline()
        facts = await until(
            workload.observe,
            lambda seen: not wrong(seen, reference),
            deadline,
            lambda seen: wrong(seen, reference),
            every=EVERY,
        )
        service, url = (
            context.environment.services[context.plan.service],
            context.access.slots(context.plan.service)[slot].url,
        )
        if not isinstance(service, HttpService) or url is None:
            return Evidence(text=_count(facts, version), data={"ready": facts.ready_count})
        http = reader(service, url)
        try:
            found: Judged = await until(
                lambda: ask_health(http, service, expected_word(context.step)),
                lambda one: one.right,
                deadline,
                lambda one: one.text,
                every=EVERY,
            )
        finally:
            await http.close()
        return Evidence(
            text=f"{slot} {_count(facts, version)}, {found.text}",
            data={"ready": facts.ready_count, "version": found.version, "seconds": round(found.seconds, 4)},
        )


def wrong(facts: WorkloadFacts, reference: str) -> str:
    """What is not as it should be in a slot that is to serve `reference`; empty when all is."""
    if facts.current is None or facts.current.reference != reference:
        return f"{facts.current.version if facts.current else 'an unknown release'} stands there"
    if facts.ready_count < max(1, facts.desired):
        trouble = next((one.message for one in facts.instances if one.message), "")
        return f"{facts.ready_count} of {facts.desired} ready{f' ({trouble})' if trouble else ''}"
    return ""


def _count(facts: WorkloadFacts, version: str) -> str:
    return f"{facts.ready_count}/{facts.desired} ready on {version}"
