"""The double is held to the truth: every recorded exchange with a real 1.36 API server, replayed and compared."""

from collections.abc import Iterator

import pytest

from tests.kubernetes.comparing import Comparison
from tests.kubernetes.double import KubernetesDouble
from tests.kubernetes.scenario import Replay, recorded

NAMES = [exchange["name"] for exchange in recorded()]


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with KubernetesDouble(manual=True) as double:
        yield Replay(double).run()


def test_the_recording_is_whole() -> None:
    assert len(NAMES) == len(set(NAMES)) == 33


@pytest.mark.parametrize("name", NAMES)
def test_exchange(replay: Replay, name: str) -> None:
    assert replay.differences[name] == []


@pytest.mark.parametrize(
    ("recorded_body", "seen"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1]}}),
        ({"x": {"uid": "one"}, "y": {"uid": "one"}}, {"x": {"uid": "1"}, "y": {"uid": "2"}}),
        ({"x": {"uid": "one"}, "y": {"uid": "two"}}, {"x": {"uid": "1"}, "y": {"uid": "1"}}),
        ({"creationTimestamp": "2026-11-21T20:52:52Z"}, {"creationTimestamp": ""}),
        ({"message": "api-55d4868c98 scaled"}, {"message": "api-5f9868479 scaled"}),
        ({"revision": "4"}, {"revision": 4}),
    ],
)
def test_the_comparison_can_fail(recorded_body: dict[str, object], seen: dict[str, object]) -> None:
    assert Comparison().differences(recorded_body, seen)
