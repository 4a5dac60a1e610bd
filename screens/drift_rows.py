"""What accepting drift means for a plan: the row that says it on the rollback screens. Pure."""

from actions.model.plan import Plan
from screens.cells import Row, cut, field


def drift_row(plan: Plan, label: int, width: int) -> Row:
    """What was changed by hand, and is given up by this plan."""
    return cut(field("drift", (f"accepted: {given_up(plan)}", "warn"), width=label), width)


def given_up(plan: Plan) -> str:
    """In the words of whoever moves the traffic, where there are some."""
    changes = (step.params.get("change") for step in plan.steps if step.kind == "switch-traffic")
    found = [detail for change in changes if isinstance(change, dict) for detail in _words(change.get("details"))]
    return "; ".join(found) or "what was changed by hand is replaced"


def _words(details: object) -> list[str]:
    return [str(one) for one in details] if isinstance(details, list | tuple) else []
