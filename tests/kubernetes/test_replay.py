"""With the names that the real server drew, the double answers as it was recorded, with nothing more masked."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kubernetes.answers import Answers
from tests.kubernetes.double import KubernetesDouble
from tests.kubernetes.masking import as_recorded, barely_masked
from tests.kubernetes.replay import Recorded

DIFFERENT = {
    "jp wrong type": "its message tells the whole object: times, versions, and Go's order of fields and managed fields",
}
"""Answers that a replay cannot have in common with the recording, and why."""
REAL = as_recorded()


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, Any]]:
    with KubernetesDouble(manual=True, names=Recorded()) as double:
        yield Answers(double, barely_masked).run()


@pytest.mark.parametrize("name", [name for name in REAL if name not in DIFFERENT])
def test_the_recorded_answer_is_given_to_the_letter(seen: dict[str, Any], name: str) -> None:
    mine, real = (json.dumps(one, indent=1, sort_keys=True).splitlines() for one in (seen[name], REAL[name]))
    assert mine == real


def test_all_but_the_listed_ones_are_equal(seen: dict[str, Any]) -> None:
    equal = [name for name in REAL if seen[name] == REAL[name]]
    assert sorted(REAL.keys() - set(equal)) == sorted(DIFFERENT) and len(equal) >= 83
