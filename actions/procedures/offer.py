"""The content of the rollback screen: the plan, or why there is none, with the readiness behind it. Pure."""

from actions.health.readiness import readiness
from actions.model.errors import Drifted, ExitCode, Refused, UnknownNameError
from actions.model.plan import Plan, RollbackOffer, RollbackRequest
from actions.model.way_back import RollbackFacts
from actions.procedures.evidence import fault, note, trouble_since
from actions.procedures.rollback import plan_rollback


def offer(request: RollbackRequest, facts: RollbackFacts) -> RollbackOffer:
    """What the operator may confirm. Submit the request with the reason of the plan to get exactly this plan."""
    plan: Plan | None = None
    refusal, code, drift = "", ExitCode.REFUSED, ""
    try:
        plan = plan_rollback(request, facts)
    except (Refused, UnknownNameError) as error:
        refusal, code = error.message, error.code
        drift = error.reason if isinstance(error, Drifted) else ""
    return RollbackOffer(
        readiness=readiness(facts),
        plan=plan,
        refusal=refusal,
        refusal_code=code,
        drift=drift,
        others=facts.choice.others,
        evidence=fault(facts),
        note=note(facts),
        trouble_since=trouble_since(facts.health) if fault(facts) else None,
    )
