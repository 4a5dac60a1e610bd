"""What happened to instances between two looks that no run of ours did: ends, restarts, other counts. No I/O."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from actions.model.platform import Instance, InstanceState, WorkloadFacts

SLACK = timedelta(seconds=2)
"""By so much the start of one and the same instance may differ from look to look."""

Line = tuple[str, str]
"""Kind of a change (`ended`, `restart`, `scale`) and its words."""


class InstanceWatch:
    """Compares each look with the one before; the first look, and the first after `forget`, says nothing."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], WorkloadFacts] = {}

    def forget(self) -> None:
        """A run changes things: what it does is in its own record."""
        self._before.clear()

    def changes(self, service: str, slots: Mapping[str, WorkloadFacts]) -> list[Line]:
        """What differs in each slot from the last look at it."""
        found: list[Line] = []
        for slot, now in slots.items():
            before = self._before.get((service, slot))
            self._before[service, slot] = now
            if before is not None:
                found += _differs(service, slot, before, now)
        return found


def _differs(service: str, slot: str, before: WorkloadFacts, now: WorkloadFacts) -> Iterator[Line]:
    known = {one.id: one for one in before.instances}
    ended = [one for one in now.instances if one.id in known and _at_work(known[one.id]) and _over(one)]
    for one in ended:
        yield "ended", f"{service}: ended {one.name or one.id}" + (f", {one.message}" if one.message else "")
    if before.desired not in (now.desired, now.desired + len(ended)):
        yield "scale", f"{service}: scale {slot} {before.desired} → {now.desired}"
    for one in now.instances:
        if one.id in known and _restarted(known[one.id], one):
            yield "restart", f"{service}: restart {one.name or one.id}" + (f", {one.message}" if one.message else "")


def _at_work(instance: Instance) -> bool:
    return instance.state in (InstanceState.RUNNING, InstanceState.STARTING)


def _over(instance: Instance) -> bool:
    return instance.state in (InstanceState.STOPPED, InstanceState.RESTARTING)


def _restarted(before: Instance, now: Instance) -> bool:
    if before.reference != now.reference:
        return False  # another release: that is told as such
    if before.restarts is not None and now.restarts is not None and before.restarts != now.restarts:
        return now.restarts > before.restarts
    known = before.started_at is not None and now.started_at is not None
    return known and now.started_at - before.started_at > SLACK  # type: ignore[operator]
