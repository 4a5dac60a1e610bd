"""Several containers made again at the same time, under the step contract: each as `Recreator` does it alone.

Every one has undo material, marks and a key of its own, so after a crash each is looked at and gone on with by itself.
"""

from collections.abc import Iterator
from pathlib import Path

from actions.model.platform import Change, Evidence, Probe
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.platforms.compose.at_once import all_of, first_failure
from actions.platforms.compose.params import RECREATE, replicas_of
from actions.platforms.compose.recreate import Recreator
from actions.platforms.protocols import Report


class SeveralAtOnce:
    """Carries out changes of several replicas."""

    def __init__(self, recreator: Recreator) -> None:
        self._one = recreator

    async def check(self, change: Change) -> Evidence:
        """Every one of them as planned. Raises Stale, Refused."""
        return _joined(await first_failure(self._one.check(one) for one, _ in _each(change)))

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence:
        """Undo material of all of them, before the first is touched."""
        return _joined(await all_of(self._one.protect(one, own, folder) for one, own in _each(change, key)))

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        """All of them; where one fails, the others are still brought to the end of their own way."""
        return _joined(await all_of(self._one.act(one, own, folder, report) for one, own in _each(change, key)))

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        """All of them are well. Raises VerifyFailed for the first that is not."""
        proofs = (self._one.verify(one, own, deadline, report) for one, own in _each(change, key))
        return _joined(await first_failure(proofs))

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        """What was before, all of it; where one cannot be brought back, the others still are."""
        ways = (self._one.undo(one, own, folder, deadline, report) for one, own in _each(change, key))
        return _joined(await all_of(ways))

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        """How far all of them got: what differs among them is a part."""
        found = await first_failure(self._one.probe(one, own, folder) for one, own in _each(change, key))
        return together(found)

    async def manual(self, change: Change, folder: Path) -> tuple[str, ...]:
        """What a person can do for each."""
        found = await first_failure(self._one.manual(one, folder) for one, _ in _each(change))
        return tuple(line for lines in found for line in lines)


def _each(change: Change, key: str = "") -> Iterator[tuple[Change, str]]:
    """A change for each of them, and its own key."""
    for number, one in enumerate(replicas_of(change), 1):
        params = one.model_dump(mode="json")
        single = change.model_copy(update={"action": RECREATE, "subject": one.name, "params": params})
        yield single, f"{key}-{number}"


def together(found: list[Probe]) -> Probe:
    """One probe of several. Pure."""
    states = {one.state for one in found}
    if ProbeState.UNKNOWN in states:
        state = ProbeState.UNKNOWN
    else:
        state = states.pop() if len(states) == 1 else ProbeState.PARTIAL
    data = {str(number): one.data for number, one in enumerate(found, 1)}
    return Probe(state=state, evidence="; ".join(one.evidence for one in found), data={**data})


def _joined(found: list[Evidence]) -> Evidence:
    data = {str(number): one.data for number, one in enumerate(found, 1)}
    return Evidence(text="; ".join(dict.fromkeys(one.text for one in found)), data={**data})
