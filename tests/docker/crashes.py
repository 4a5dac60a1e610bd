"""Dying at crash points without dying: the test's own process goes on and looks at what was left."""

from collections.abc import Iterator
from contextlib import contextmanager

from actions.model import crash


class Died(BaseException):
    """What a killed process looks like from the inside: nothing catches it."""


@contextmanager
def watched(points: list[str], die_at: str | None = None) -> Iterator[None]:
    """Note every crash point passed, and die at one; `NAME#2` is its second passing."""

    def passed(name: str) -> None:
        points.append(name)
        if die_at in (name, f"{name}#{points.count(name)}"):
            raise Died(name)

    crash.set_hook(passed)
    try:
        yield
    finally:
        crash.set_hook(None)
