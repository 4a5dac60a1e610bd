"""The conditions of a rollback, read again right before anything is touched."""

import asyncio

from actions.model.errors import VqError
from actions.model.plan import RollbackRequest
from actions.model.platform import Evidence
from actions.model.services import HttpService
from actions.model.words import Gate
from actions.releases.gather import gather
from actions.releases.pinned import revalidate
from actions.steps.contract import Step, StepContext
from actions.steps.outside import reader
from actions.steps.reach import reach_all

FAILING = "failing"
"""Under this name the evidence lists the databases and caches that failed before anything was touched."""


ANSWERED_SECONDS = "answered_seconds"
"""Under this name it says how long the service took to answer before anything was touched, where it answered."""

READING_SHARE = 0.8
"""Of the step's budget; what is left is for saying what did not answer."""


class CheckConditions(Step):
    """Artefact at hand, rights, journal, schema and all that is pinned: as planned, or the run ends untouched."""

    kind = "check-conditions"

    async def act(self, context: StepContext) -> Evidence:
        """Only observes."""
        return Evidence(text="reading what the plan is bound to")

    async def verify(self, context: StepContext) -> Evidence:
        """Raises Stale when something pinned moved since planning, Refused when a condition fails."""
        plan = context.plan
        request = RollbackRequest(
            environment=plan.environment, service=plan.service, to=plan.to_reference, level=plan.level
        )
        facts, reached, seconds = await asyncio.gather(
            gather(
                context.access,
                context.records.ledger,
                request=request,
                own_run=context.run_id,
                seconds=READING_SHARE * context.deadline().remaining(),
            ),
            reach_all(context.environment),
            _answered(context),
        )
        checks = revalidate(plan, facts, accept_drift=context.step.params.get("accept_drift") is True)
        at_hand = next((check.evidence for check in checks if check.id == "artefact"), "")
        unsure = [check.title for check in checks if check.gate is Gate.INCONCLUSIVE]
        text = at_hand or f"{sum(check.gate is Gate.PASS for check in checks)} of {len(checks)} pass"
        # What is down before anything is touched is no reason to go back afterwards (see `Validate`).
        failing = [one.id for one in reached if one.gate is not Gate.PASS and one.id != plan.service]
        if failing:
            text += f"; failing before anything was touched: {', '.join(failing)}"
        return Evidence(
            text=text,
            data={
                "checks": [f"{check.gate.value} {check.title}: {check.evidence}" for check in checks],
                "inconclusive": list(unsure),
                FAILING: list(failing),
                ANSWERED_SECONDS: seconds,
            },
        )


async def _answered(context: StepContext) -> float | None:
    """How long users wait for an answer now; None when none comes, or nobody can ask."""
    service = context.environment.services[context.plan.service]
    if not isinstance(service, HttpService):
        return None
    try:
        http = reader(service)
    except VqError:
        return None  # what is wrong with its secrets is said by the proof
    try:
        answer = await http.get(service.health, fresh=True)
    finally:
        await http.close()
    return round(answer.seconds, 3) if answer.reached and answer.trouble is None else None
