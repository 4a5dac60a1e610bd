"""What this program knows of a procedure: its version, its steps, and what follows at its deadline."""

from importlib import import_module, util

from actions.model.errors import UnknownNameError
from actions.model.plan import OnFailure, Plan
from actions.model.text import clean
from actions.steps.registry import KINDS


def known_version(procedure: str) -> str:
    """The version of that procedure here. Raises UnknownNameError for one this program does not have."""
    name = f"actions.procedures.{procedure}"
    if not procedure.isidentifier() or util.find_spec(name) is None:
        raise UnknownNameError(f"this program has no procedure '{procedure}'; run it with the version that planned it")
    return str(import_module(name).VERSION)


def at_deadline(procedure: str) -> OnFailure:
    """What a run of that procedure does when its whole budget is used up; it goes on where nothing is declared."""
    known_version(procedure)
    return OnFailure(getattr(import_module(f"actions.procedures.{procedure}"), "AT_DEADLINE", OnFailure.WARN))


def require_known_steps(plan: Plan) -> None:
    """Raises UnknownNameError, before anything is touched, when this program lacks a kind of step of the plan."""
    unknown = sorted({step.kind for step in plan.steps} - KINDS.keys())
    if unknown:
        names = ", ".join(f"'{clean(kind, limit=60)}'" for kind in unknown)
        raise UnknownNameError(
            f"this program has no step {names} of this plan of '{clean(plan.procedure, limit=60)}'; nothing was"
            " touched; use the version of vq-tui that planned it"
        )
