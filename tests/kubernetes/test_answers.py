"""The double answers as a real 1.36.2 control plane was recorded to answer: every request and every watch."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kubernetes.answers import Answers
from tests.kubernetes.double import KubernetesDouble
from tests.kubernetes.masking import masked, recorded

REAL = recorded()


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, Any]]:
    with KubernetesDouble(manual=True) as double:
        yield Answers(double).run()


def test_every_recorded_answer_is_asked_for(seen: dict[str, Any]) -> None:
    assert list(seen) == list(REAL)
    assert len(REAL) == 85


@pytest.mark.parametrize("name", REAL)
def test_answer(seen: dict[str, Any], name: str) -> None:
    mine, real = (json.dumps(one, indent=1, sort_keys=True).splitlines() for one in (seen[name], REAL[name]))
    assert mine == real


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"reason": "Invalid"}, {"reason": "Forbidden"}),
        ({"message": "pods is forbidden"}, {"message": "pods are forbidden"}),
        ([{"name": "x"}], [{"name": "x"}, {"name": "x"}]),
        ({"message": "x1-c7b87f847 has timed out"}, {"message": "x1-c7b87f847 is progressing"}),
        (["MODIFIED gen=1"], ["MODIFIED gen=1", "MODIFIED gen=1"]),
    ],
)
def test_what_is_masked_hides_no_difference(one: object, other: object) -> None:
    assert masked(one) != masked(other)
