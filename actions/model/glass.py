"""What was done while the ledger refused, and what became of it."""

from actions.model.base import Fact


class BrokenGlass(Fact):
    """Why a run is made without the ledger: what is wrong with that one, and what is therefore not known."""

    ledger: str
    problem: str
    warnings: tuple[str, ...] = ()


class ImportReport(Fact):
    """What `audit import` did with the runs of the emergency ledger; each entry of the first four is a run's id.

    `imported` now, `known` from before, `active` still under way and `others` of another configuration: both are left.
    `kept` is where the emergency ledger was put aside; empty while some of its runs are left.
    """

    source: str
    imported: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    kept: str = ""
