"""Breaking the glass by command: what is typed, what is warned of, and how a refusal names it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from actions.desk.waiting import glass_words, unwritable
from actions.model.errors import LedgerError, Refused, UsageError
from actions.model.plan import RollbackOffer
from vq_tui.commands.output import Output

if TYPE_CHECKING:
    from actions.desk.viewer import Viewer

WAITS = "its record waits in the emergency ledger; once the ledger works"


def demand(to: str | None, reason: str, *, last_good: bool) -> None:
    """Raises UsageError unless both are typed: what an emergency goes to and why is never taken from a suggestion."""
    if to is None or last_good:
        raise UsageError("--break-glass needs the release typed: --to VERSION")
    if not reason.strip():
        raise UsageError("--break-glass needs a reason typed: --reason TEXT")


class Hint:
    """Names the way out in every refusal for the ledger's sake; `over` once a run was asked for."""

    over = False


@contextmanager
def hinted(service: str | None, to: str | None, *, broken: bool) -> Iterator[Hint]:
    """Adds to a LedgerError how to break the glass, unless that is what failed, or a run is under way."""
    hint = Hint()
    try:
        yield hint
    except LedgerError as error:
        if broken or hint.over:
            raise
        words = f"{error.message}; in an emergency: 'vq-tui {glass_words(service, to)}'"
        raise LedgerError(words, code=error.code) from error


def refused(offer: RollbackOffer, service: str | None, to: str | None, *, broken: bool) -> Refused:
    """Why there is no plan; where no journal can be written, with how to break the glass."""
    words = offer.refusal or "no rollback can be planned now"
    if not broken and unwritable(offer):
        words += f"; in an emergency: 'vq-tui {glass_words(service, to)}'"
    return Refused(words, code=offer.refusal_code)


def banner(desk: "Viewer", output: Output) -> None:
    """In red, before anything is asked: what is wrong, and what is not known therefore."""
    glass = desk.broken_glass
    if glass is None:
        return
    output.banner(f"BREAKING THE GLASS: the ledger refuses: {glass.problem}")
    for warning in glass.warnings:
        output.banner(warning)


def payload(desk: "Viewer") -> dict[str, Any]:
    """The same in JSON; the emergency ledger is where the run is recorded."""
    glass = desk.broken_glass
    if glass is None:
        return {"break_glass": False, "warnings": []}
    where = str(desk.ledger.directory)
    return {"break_glass": True, "warnings": list(glass.warnings), "problem": glass.problem, "recorded_in": where}


def after(desk: "Viewer", output: Output) -> None:
    """What has to be done later, said beside the answer."""
    if desk.broken_glass is not None:
        output.aside(f"made under broken glass: {WAITS}: {output.program} audit import")
