"""Compares what the double answered with what a real API server was recorded to answer.

Every field of both sides is compared, and neither side may have one more. What two runs cannot have in common is not
skipped but renamed consistently (uids, resource versions, random suffixes), or only its form is compared (times).
What is left out altogether is in `LEFT_OUT`, with the reason.
"""

import re
from typing import Any

LEFT_OUT = {
    "podIP": "the recording's stand-in for the kubelet gave every pod the same address",
    "podIPs": "the same",
    "continue": "an opaque token; only its presence is compared",
    "list.resourceVersion": "of a list: the version of the whole store, which other writers of the real cluster moved",
}
TIMES = {
    "creationTimestamp",
    "lastUpdateTime",
    "lastTransitionTime",
    "startedAt",
    "startTime",
    "firstTimestamp",
    "lastTimestamp",
}
"""Fields that the server stamps: both sides must have a time there, each its own."""

_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
_SUFFIX = re.compile(r"^[bcdfghjklmnpqrstvwxz2456789]{5}$")
_SERIAL = re.compile(r"^18ea[0-9a-f]{12}$")


class Comparison:
    """Compares bodies in the order of the recording; a name bound once stays bound, in both directions."""

    def __init__(self) -> None:
        self._ours: dict[tuple[str, str], str] = {}
        self._theirs: dict[tuple[str, str], str] = {}

    def ours(self, family: str, recorded: str) -> str:
        """What a recorded name (`uid`, `resourceVersion`) is called in this run. Raises KeyError when not seen yet."""
        return self._ours[family, recorded]

    def _bound(self, family: str, recorded: str, seen: str) -> bool:
        mine = self._ours.setdefault((family, recorded), seen)
        theirs = self._theirs.setdefault((family, seen), recorded)
        return (mine, theirs) == (seen, recorded)

    def differences(self, recorded: Any, seen: Any) -> list[str]:
        """Every difference, as `path: recorded … seen …`."""
        found: list[str] = []
        if "items" in recorded and "items" in seen:
            recorded = {**recorded, "list": recorded["metadata"], "metadata": {}}
            seen = {**seen, "list": seen["metadata"], "metadata": {}}
        self._compare(recorded, seen, (), found)
        return found

    def _compare(self, recorded: Any, seen: Any, path: tuple[str, ...], found: list[str]) -> None:
        if isinstance(recorded, dict) and isinstance(seen, dict):
            for key in sorted(recorded.keys() | seen.keys()):
                if key not in recorded or key not in seen:
                    found.append(f"{'.'.join((*path, key))}: only {'recorded' if key in recorded else 'seen'}")
                else:
                    self._compare(recorded[key], seen[key], (*path, key), found)
        elif isinstance(recorded, list) and isinstance(seen, list) and len(recorded) == len(seen):
            for index, (one, other) in enumerate(zip(_ordered(recorded), _ordered(seen), strict=True)):
                self._compare(one, other, (*path, str(index)), found)
        elif not self._same(recorded, seen, path):
            found.append(f"{'.'.join(path)}: recorded {recorded!r}, seen {seen!r}")

    def _same(self, recorded: Any, seen: Any, path: tuple[str, ...]) -> bool:
        if type(recorded) is not type(seen):
            return False
        if set(path) & LEFT_OUT.keys() or ".".join(path) in LEFT_OUT:
            return True
        if path[-1] in ("uid", "resourceVersion"):
            return self._bound(path[-1], recorded, seen)
        if recorded == seen:
            return True
        if not isinstance(recorded, str):
            return False
        if path[-1] in TIMES:
            return bool(_TIME.match(recorded) and _TIME.match(seen))
        return self._same_words(recorded, seen)

    def _same_words(self, recorded: str, seen: str) -> bool:
        """Equal but for random suffixes of names and serial numbers of events."""
        words, others = (re.split(r"([^0-9a-z]+)", text) for text in (recorded, seen))
        if len(words) != len(others):
            return False
        for word, other in zip(words, others, strict=True):
            if word == other:
                continue
            families = [name for name, form in (("suffix", _SUFFIX), ("serial", _SERIAL)) if form.match(word)]
            if not families or not self._bound(families[0], word, other):
                return False
        return True


def _ordered(items: list[Any]) -> list[Any]:
    """Pods come in the order of their random names; compare them in the order of their making within a replica set."""
    if not items or not isinstance(items[0], dict) or "containerStatuses" not in items[0].get("status", {}):
        return items

    def key(pod: Any) -> tuple[str, int]:
        return pod["metadata"]["labels"]["pod-template-hash"], int(pod["metadata"]["resourceVersion"])

    return sorted(items, key=key)
