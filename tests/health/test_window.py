"""Whose answers count: a release is judged by its own, and a part of the traffic that fails stays in view."""

import time

from actions.clients.measured import Measured
from actions.health.serving import serving
from actions.health.side import LOOKS_BACK_SECONDS, SideFacts
from actions.health.window import Window


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def window(*answers: tuple[bool, str | None]) -> tuple[Window, Clock]:
    clock = Clock()
    made = Window(clock=clock)
    for good, version in answers:
        give(made, clock, good, version)
    return made, clock


def give(made: Window, clock: Clock, good: bool, version: str | None, seconds: float = 0.01) -> None:
    clock.now += 1
    made.add(good, seconds, version)
    made.requests()


BAD, OLD = (False, "2.4.5"), (True, "2.4.0")


def test_after_a_change_the_first_answer_of_the_new_version_ends_the_count_of_the_old() -> None:
    made, _ = window(*[OLD] * 10, *[BAD] * 20)
    assert made.requests() == (20, 20) and made.versions == {"2.4.5"}
    back, clock = window(*[BAD] * 20, OLD)
    assert back.requests() == (1, 0) and back.turned and back.since == clock.now


def test_a_release_that_comes_back_is_judged_since_it_came_back() -> None:
    made, _ = window(*[(False, "2.4.0")] * 5, *[BAD] * 10, *[OLD] * 4)
    assert made.requests() == (4, 0)


def test_errors_of_a_canary_count_whichever_version_answered_last() -> None:
    split = [*[OLD] * 9, BAD] * 4
    made, clock = window(*split)
    assert made.versions == {"2.4.0", "2.4.5"} and not made.turned and made.requests() == (40, 4)
    for _ in range(15):
        give(made, clock, *OLD)
    assert made.requests() == (55, 4) and made.since is None


def test_a_version_that_stays_silent_after_a_rolling_change_has_left() -> None:
    made, clock = window(*[BAD] * 5, OLD, BAD, OLD, BAD, BAD)
    assert made.requests() == (10, 8)
    for _ in range(8):
        give(made, clock, *OLD)
    assert made.requests() == (8, 0) and made.versions == {"2.4.0"}


def test_answers_without_a_version_count_with_the_one_that_answers() -> None:
    assert window(*[(False, None)] * 4)[0].requests() == (4, 4)
    assert window(*[OLD] * 3, *[(False, None)] * 4)[0].requests() == (7, 4)
    assert window(*[BAD] * 3, (False, None), OLD, (False, None), OLD)[0].requests() == (3, 1)


def test_a_mean_needs_some_answers_of_the_new_version() -> None:
    made, clock = window(*[(True, "2.4.5")] * 3)
    assert made.mean_ms(10) is not None
    for expected in (None, None, 2_000.0):
        give(made, clock, True, "2.4.0", seconds=2.0)
        assert made.mean_ms(10) == expected


def test_the_change_is_remembered_after_the_old_answers_are_gone() -> None:
    made, clock = window(*[BAD] * 3, OLD)
    began = clock.now
    for _ in range(80):
        give(made, clock, *OLD)
    assert made.since == began and not made.turned and made.serving_seconds() == 80


def test_nothing_named_is_nothing_known() -> None:
    assert serving([]).versions == frozenset() and serving([None, None]).start == 0


def test_side_figures_of_the_version_before_are_left_out() -> None:
    now = time.monotonic()
    side = SideFacts(measured={"error rate": (now, Measured(0.5))}, counted={"error rate": (now, Measured(0.4))})
    assert side.figure("error rate")[0].value == 0.5
    assert side.figure("error rate", since=now - LOOKS_BACK_SECONDS - 1)[0].value == 0.5
    assert side.figure("error rate", since=now - 1) == (Measured(0.4), "metrics")
    none, source = side.figure("error rate", since=now + 1)
    assert none.value is None and "still counts the version before" in none.reason and not source
