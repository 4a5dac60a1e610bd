"""A word that wavers near a threshold does not flicker on the screen, and nothing ill is ever hidden."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.health.reading import Reading, no_data
from actions.health.steadiness import LOOKS_FROM_DOWN, LOOKS_TO_OK, Shown, next_shown
from actions.health.track import Track
from actions.model.words import HealthState

OK, DEGRADED, DOWN, UNKNOWN = HealthState.OK, HealthState.DEGRADED, HealthState.DOWN, HealthState.UNKNOWN
FOUND = {"ok": OK, "slow": DEGRADED, "errors": DEGRADED, "failing": DOWN, "down": DOWN, "no data": UNKNOWN}
SEVERITY = {OK: 0, DEGRADED: 1, DOWN: 2}
NOW = datetime(2026, 11, 28, 17, 0, tzinfo=UTC)


def shown(*words: str) -> list[str]:
    now: Shown | None = None
    found = []
    for word in words:
        now = next_shown(now, FOUND[word], word)
        found.append(now.word)
    return found


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ok", "slow", "ok", "slow", "ok", "slow"], ["ok", "slow", "slow", "slow", "slow", "slow"]),
        (["slow", "ok", "ok", "ok"], ["slow", "slow", "slow", "ok"]),
        (["slow", "errors", "slow", "errors"], ["slow", "slow", "slow", "slow"]),
        (["slow", "errors", "errors"], ["slow", "slow", "errors"]),
        (["slow", "down", "ok", "ok"], ["slow", "down", "down", "ok"]),
        (["failing", "slow", "ok", "ok", "ok"], ["failing", "failing", "ok", "ok", "ok"]),
        (["slow", "no data", "ok"], ["slow", "no data", "ok"]),
    ],
)
def test_what_stays_on_the_screen(words: list[str], expected: list[str]) -> None:
    assert shown(*words) == expected


@given(st.lists(st.sampled_from(list(FOUND)), min_size=1, max_size=40))
def test_nothing_ill_is_hidden_and_nothing_better_is_held_for_long(words: list[str]) -> None:
    now: Shown | None = None
    better = 0
    for word in words:
        before, now = now, next_shown(now, FOUND[word], word)
        if FOUND[word] is UNKNOWN or now.state is UNKNOWN:
            assert now.state is FOUND[word]
            better = 0
            continue
        assert SEVERITY[now.state] >= SEVERITY[FOUND[word]], "what was found is shown, or worse"
        assert (
            before is None
            or before.state is UNKNOWN
            or SEVERITY[now.state] <= max(SEVERITY[before.state], SEVERITY[FOUND[word]])
        )
        better = better + 1 if now.state is not FOUND[word] else 0
        assert better < max(LOOKS_TO_OK, LOOKS_FROM_DOWN)


def test_the_measured_state_stays_what_it_is_and_another_version_begins_anew() -> None:
    track = Track("api", "http", 2.0)

    def look(reading: Reading) -> None:
        track.merge(reading, NOW, NOW)

    look(Reading(DEGRADED, "slow", version="2.4.1"))
    look(Reading(OK, "ok", version="2.4.1"))
    held = track.latest
    assert (held.state, held.word) == (OK, "ok"), "decisions go by this"
    assert (held.shown_state(NOW), held.shown_word) == (DEGRADED, "slow")
    assert held.shown_state(NOW + timedelta(seconds=60)) is UNKNOWN
    look(Reading(OK, "ok", version="2.4.0"))
    assert (track.latest.shown_state(NOW), track.latest.shown_word) == (OK, "ok")
    look(no_data("gone"))
    assert track.latest.shown_word == "no data"


def test_what_is_looked_at_seldom_shows_each_look() -> None:
    track = Track("certificate", "certificate", 60.0)
    for state, word in ((DEGRADED, "expires"), (OK, "ok")):
        track.merge(Reading(state, word), NOW, NOW)
    assert track.latest.shown_word == "ok"
