"""A challenge key confirms only a decision: not reflex, not a buffer, not a repeat, not a paste (rule 1)."""

import random
import string
from itertools import pairwise

import pytest

from actions.model.errors import ConfigError
from screens.decision import BURST_SECONDS, FEWEST, REPEAT_SECONDS, SETTLE_SECONDS, Challenge, Press, free
from screens.keymap import SCOPES, effective, single_keys
from screens.registry import of
from tests.fakes.desk import FixedClock


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


def challenge(clock: FixedClock, taken: str = "RHDvrp") -> Challenge:
    return Challenge(clock, taken, random.Random(1))


def test_the_key_confirms_once_after_half_a_second(clock: FixedClock) -> None:
    one = challenge(clock)
    clock.pass_seconds(SETTLE_SECONDS)
    assert one.press(one.key.lower()) is Press.CONFIRMED
    clock.pass_seconds(10)
    assert one.press(one.key) is Press.REPEATED


def test_keys_of_the_first_half_second_are_dropped_and_a_held_key_never_confirms(clock: FixedClock) -> None:
    one = challenge(clock)
    assert one.press(one.key) is Press.EARLY
    for _ in range(60):  # held for two seconds, thirty repeats each
        clock.pass_seconds(1 / 30)
        assert one.press(one.key) is not Press.CONFIRMED
    clock.pass_seconds(REPEAT_SECONDS)
    assert one.press(one.key) is Press.CONFIRMED


def test_a_stream_of_keys_never_confirms(clock: FixedClock) -> None:
    one = challenge(clock)
    clock.pass_seconds(5)
    one.press("x")
    for letter in string.ascii_uppercase * 3:
        clock.pass_seconds(BURST_SECONDS / 10)
        assert one.press(letter) is not Press.CONFIRMED


def test_other_keys_do_nothing(clock: FixedClock) -> None:
    one = challenge(clock)
    for key in ("enter", "space", "y", "tab", *string.ascii_uppercase.replace(one.key, "")):
        clock.pass_seconds(2)
        assert one.press(key) is Press.OTHER


@pytest.mark.parametrize("scope", SCOPES)
def test_it_differs_each_time_and_is_no_key_of_the_screen_as_shipped(scope: str) -> None:
    source, shipped = random.Random(1), effective({})
    works = {shipped[action.id].upper() for action in of(*SCOPES[scope])}
    keys = [Challenge(FixedClock(), single_keys(scope, shipped), source).key for _ in range(400)]
    assert all(one != other for one, other in pairwise(keys))
    assert not set(keys) & (works | set("ILOQ01"))
    assert len(set(keys)) >= (9 if scope == "run" else 18), sorted(set(keys))


def test_keys_moved_onto_what_could_be_drawn_leave_enough_on_the_emergency_screen() -> None:
    moved = effective({"list.down": "j", "list.last": "e", "list.first": "z"})
    keys = {Challenge(FixedClock(), single_keys("rollback", moved), random.Random(seed)).key for seed in range(200)}
    assert len(keys) >= 12


def test_a_keymap_that_leaves_too_few_keys_to_draw_is_refused_at_the_start() -> None:
    left = [key for key in free(single_keys("run", effective({}))) if key in "EJMUVZ"]
    unlettered = ["list.up", "list.down", "list.page-up", "list.page-down"]
    enough = len(free(single_keys("run", effective({})))) - FEWEST
    effective(dict(zip(unlettered[:enough], left, strict=False)))
    too_many = dict(zip(unlettered[: enough + 1], left, strict=False))
    with pytest.raises(ConfigError, match="console.keys: on screen 'run' only 5 keys are left"):
        effective(too_many)


def test_a_question_that_was_hidden_is_settled_anew(clock: FixedClock) -> None:
    one = challenge(clock)
    clock.pass_seconds(5)
    one.rearm()
    assert one.press(one.key) is Press.EARLY
