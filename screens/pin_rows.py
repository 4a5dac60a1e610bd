"""The rows of a standing pin: which release it holds, which deploy waits, the command that lifts it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.cells import Row, cut, row, wrap

if TYPE_CHECKING:
    from actions.model.platform import StandingPin

LABEL = 10


def pin_rows(pin: StandingPin, width: int, named: str = "") -> list[Row]:
    """Which release deploys stay on, what waits for it, and the command, whole: it is typed from the screen."""
    waits = pin.blocks or ("" if pin.read else "a plain up does not read it")
    first = row(("pin", "dim"), " " * (LABEL - 3), (f"{named}deploys stay on ", "text"), (pin.version, "bright"))
    rows = [cut(first, width)]
    room = width - LABEL
    rows += [cut(row(" " * LABEL, (waits, "warn")), width)] if waits else []
    return [*rows, *(row(" " * LABEL, (line, "key" if line == pin.lift else "dim")) for line in wrap(pin.lift, room))]
