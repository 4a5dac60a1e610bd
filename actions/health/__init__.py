"""Live health: probes that judge what they measured, and one immutable snapshot a tick."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actions.health.poller import Poller

__all__ = ["Poller"]


def __getattr__(name: str) -> object:
    """`Poller` is imported when first asked for: an executor needs readiness, but no probe."""
    if name == "Poller":
        from actions.health.poller import Poller

        return Poller
    raise AttributeError(name)
