"""One value that a source gave, or why it gave none."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """`reason` says why `value` is None; it is empty where nobody was asked."""

    value: float | None
    reason: str = ""
