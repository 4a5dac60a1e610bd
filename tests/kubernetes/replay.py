"""The names that the recorded server drew at random, drawn again by the double, so that a scenario is compared whole.

    python -m tests.kubernetes.replay SCENARIO.py [its arguments]

runs a scenario that makes its own `KubernetesDouble` (as the one that made the recording does) with these names.
"""

import json
import re
import runpy
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.kubernetes import double
from tests.kubernetes.double.images import Names, template_hash
from tests.kubernetes.masking import RECORDING

LETTERS = "bcdfghjklmnpqrstvwxz"
UNKNOWN = ""
"""In place of a name that the recording masks: any will do."""


class Recorded(Names):
    """The recorded names in the order in which the scenario makes the objects that have them."""

    def __init__(self) -> None:
        super().__init__()
        real = {one["name"]: one["real"] for one in json.loads(RECORDING.read_text())}
        x1, s1, d1 = (real[name]["body"]["items"] for name in ("pods", "ss pods", "ds pods"))
        volumes = [[pod["spec"]["volumes"][0]["name"][-5:] for pod in pods] for pods in (x1, s1, d1)]
        older = [UNKNOWN, UNKNOWN]  # of the pods that a rollout replaced; a stateful set begins with its last pod
        mounted = [*volumes[0], *older, *reversed(volumes[1]), UNKNOWN, *volumes[2]]
        self._suffixes = {
            "kube-api-access-": iter(mounted),
            "d1-": iter([UNKNOWN, d1[0]["metadata"]["name"][-5:]]),
        }
        own = re.findall(r"object meta: ([0-9a-f-]{36})", real["put wrong uid"]["body"]["message"])
        pod = re.findall(r"in record \(([0-9a-f-]{36})\)", real["delete pod wrong uid"]["body"]["message"])
        self._uids = {("Deployment", "x1"): iter(own), ("Pod", "s1-0"): iter([UNKNOWN, *pod])}
        self._first = x1[0]["metadata"]["generateName"].split("-")[1]
        self._images = [_image(one["spec"]["template"]) for one in real["replicasets end"]["body"]["items"]]
        self.hash_of = self._hashed
        self._bookmarks = iter([bookmarks(one) for one in real.values() if isinstance(one, list)])
        self._made = 0

    def suffix(self, head: str) -> str:
        """Recorded, or the next in the order of the alphabet: lists are ordered by name."""
        self._made += 1
        number, letters = self._made, ""
        for _ in range(5):
            number, at = divmod(number, len(LETTERS))
            letters = LETTERS[at] + letters
        return _next(self._suffixes.get(head)) or letters

    def uid(self, kind: str, name: str) -> str:
        """Recorded, where a message names it."""
        return _next(self._uids.get((kind, name))) or super().uid(kind, name)

    def last_bookmarks(self) -> int:
        """As often as the recorded server's timer came in time."""
        return next(self._bookmarks, 1)

    def _hashed(self, template: dict[str, Any]) -> str:
        """The one recorded hash for the first release; the others, which are masked, sort before and after it so."""
        image, first = _image(template), _image_of_first(self._images)
        if template["metadata"]["labels"].get("app") != "x1" or image not in self._images:
            return template_hash(template)
        at, mine = self._images.index(first), self._images.index(image)
        digits, letters = "245678", "dfghjkl"
        head = digits[mine] if mine < at else letters[mine - at]
        return self._first if image == first else head + template_hash(template)[1:]


def bookmarks(lines: list[str]) -> int:
    """How many a recorded watch ends with."""
    ends = len(lines)
    while ends and lines[ends - 1].startswith("BOOKMARK"):
        ends -= 1
    return len(lines) - ends


def _image(template: dict[str, Any]) -> str:
    return str(template["spec"]["containers"][0]["image"])


def _image_of_first(images: list[str]) -> str:
    return min(images)  # reg/x:1.0.0; the releases only go up


def _next(names: Iterator[str] | None) -> str:
    return next(names, UNKNOWN) if names is not None else UNKNOWN


if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    double.KubernetesDouble = partial(double.KubernetesDouble, names=Recorded())  # type: ignore[misc,assignment]
    sys.path.insert(0, str(Path.cwd()))
    runpy.run_path(sys.argv[0], run_name="__main__")
