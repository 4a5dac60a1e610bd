"""Which version of a procedure this program carries out (row 57)."""

from importlib import import_module, util

from actions.model.errors import UnknownNameError


def known_version(procedure: str) -> str:
    """The version of that procedure here. Raises UnknownNameError for one this program does not have."""
    name = f"actions.procedures.{procedure}"
    if not procedure.isidentifier() or util.find_spec(name) is None:
        raise UnknownNameError(f"this program has no procedure '{procedure}'; run it with the version that planned it")
    return str(import_module(name).VERSION)
