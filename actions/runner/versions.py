"""What this program knows of a procedure: its version (row 57), and what follows when its budget is used up."""

from importlib import import_module, util

from actions.model.errors import UnknownNameError
from actions.model.plan import OnFailure


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
