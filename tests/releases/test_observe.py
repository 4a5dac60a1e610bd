"""What becomes of a release is decided by what was observed, and only by that."""

from datetime import timedelta

from actions.model.environment import Policy
from actions.model.plan import LeftBehind
from actions.model.words import HealthState, Verdict
from actions.releases.choice import last_known_good
from actions.releases.observe import marked_bad, observe
from actions.releases.seed import seed_history
from tests.platforms.fake import FakeLedger
from tests.releases.making import HEALTHY, NOW, artefact, release

POLICY = Policy(soak_seconds=20, soak_samples=5)
SERVED = {"ref:2.4.1": artefact("2.4.1")}


def watch(rows, seconds, *, version="2.4.1", every=2, state=HealthState.OK, stale=False, said=None, start=NOW):
    """`seconds` of observation every two seconds."""
    known = {one.reference: one for one in rows}
    for tick in range(0, seconds + 1, every):
        now = start + timedelta(seconds=tick)
        seen = now - timedelta(seconds=60) if stale else now
        health = HEALTHY.model_copy(update={"state": state, "observed_at": seen, "version": said or version})
        served = {f"ref:{version}": artefact(version)}
        for row in observe("production", "api", served, health, tuple(known.values()), POLICY, now):
            known[row.reference] = row
    return known


def test_good_is_earned_by_seconds_and_samples_under_health():
    assert watch((), 18)["ref:2.4.1"].verdict is Verdict.CANDIDATE
    row = watch((), 22)["ref:2.4.1"]
    assert row.verdict is Verdict.GOOD and "healthy for 20 s in 10 samples" in row.verdict_reason


def test_without_fresh_data_nothing_is_earned():
    row = watch((), 100, stale=True)["ref:2.4.1"]
    assert row.verdict is Verdict.CANDIDATE and row.soaked_seconds == 0


def test_time_that_nobody_observed_does_not_count():
    rows = watch((), 8).values()
    later = watch(tuple(rows), 0, start=NOW + timedelta(hours=5))["ref:2.4.1"]
    assert later.soaked_seconds == 8 and later.verdict is Verdict.CANDIDATE


def test_going_down_starts_the_soak_anew():
    rows = tuple(watch((), 18).values())
    rows = tuple(watch(rows, 2, state=HealthState.DOWN, start=NOW + timedelta(seconds=20)).values())
    row = watch(rows, 10, start=NOW + timedelta(seconds=24))["ref:2.4.1"]
    assert row.verdict is Verdict.CANDIDATE and row.soaked_seconds < 20 and row.failures == 2


def test_a_degraded_release_does_not_soak():
    row = watch((), 60, state=HealthState.DEGRADED)["ref:2.4.1"]
    assert row.soaked_seconds == 0 and row.failures == 30


def test_a_release_the_outside_does_not_answer_with_yet_is_not_credited():
    assert watch((), 10, said="2.4.0")["ref:2.4.1"].soaked_seconds == 0
    assert set(watch((release("2.4.0"),), 100, said="2.4.0")) == {"ref:2.4.0"}  # that one is known: it still answers


def test_bad_stays_bad_however_healthy():
    bad = release("2.4.1", Verdict.BAD, days=0, reason="errors 7 %")
    row = watch((bad,), 60)["ref:2.4.1"]
    assert row.verdict is Verdict.BAD and row.verdict_reason == "errors 7 %"


def test_good_stays_good_through_a_bad_minute_and_away_from_traffic():
    good = release("2.4.0", days=0)
    rows = watch((good,), 4, version="2.4.0", state=HealthState.DOWN)
    assert rows["ref:2.4.0"].verdict is Verdict.GOOD
    assert watch(tuple(rows.values()), 30)["ref:2.4.0"].verdict is Verdict.GOOD


def test_a_left_release_that_is_deployed_again_has_to_earn_good_anew():
    def serve(rows, seconds, start):
        known = {one.reference: one for one in rows}
        for tick in range(0, seconds + 1, 2):
            now = start + timedelta(seconds=tick)
            health = HEALTHY.model_copy(update={"observed_at": now, "version": "2.4.1"})
            rows = tuple(known.values())
            for row in observe("production", "api", SERVED, health, rows, POLICY, now, left=left):
                known[row.reference] = row
        return known["ref:2.4.1"]

    left = {"ref:2.4.1": LeftBehind(reference="ref:2.4.1", run_id="RUN", at=NOW)}
    again = serve((release("2.4.1", days=0.1),), 10, NOW + timedelta(minutes=1))
    assert again.verdict is Verdict.CANDIDATE and again.soaked_seconds == 10
    assert serve((again,), 20, NOW + timedelta(seconds=72)).verdict is Verdict.GOOD


def test_a_clock_that_jumps_back_earns_nothing_and_loses_nothing():
    rows = tuple(watch((), 10).values())
    row = watch(rows, 0, start=NOW - timedelta(hours=1))["ref:2.4.1"]
    assert row.soaked_seconds == 10 and row.last_seen == rows[0].last_seen


def test_marking_bad_keeps_the_first_reason_and_run():
    once = marked_bad(release("2.4.1"), "errors 7 %", "RUN1", NOW)
    twice = marked_bad(once, "other", "RUN2", NOW + timedelta(hours=1))
    assert once == twice and once.verdict_run == "RUN1"


def test_imported_history_is_good_labelled_and_never_overrides_what_was_observed(tmp_path):
    ledger = FakeLedger(tmp_path)

    def seed(seconds, source):
        evidence = {"soaked_seconds": seconds, "samples": 60, "last_seen": NOW, "source": source}
        return seed_history(ledger, "production", "api", artefact("2.4.0"), **evidence)

    seeded = seed(3600, "the old log")
    assert seeded.verdict is Verdict.GOOD and "imported from the old log" in seeded.verdict_reason
    bad = marked_bad(seeded, "errors 7 %", None, NOW)
    ledger.save_release(bad)
    assert seed(9, "elsewhere") == bad
    assert last_known_good(ledger.releases("production", "api"), None) is None


def called(platform, said, rows=(), *, seconds=60, start=NOW):
    """`seconds` of observation of a release that the platform calls otherwise than it calls itself."""
    return watch(rows, seconds, version=platform, said=said, start=start)


def test_a_release_with_a_word_of_its_own_earns_good_and_says_so():
    row = called("5.0.0-slim", "5.0.0")["ref:5.0.0-slim"]
    assert row.verdict is Verdict.GOOD and row.answered == "5.0.0"
    assert row.verdict_reason.endswith("; answers as 5.0.0")
    assert watch((), 60)["ref:2.4.1"].answered == "2.4.1"


def test_its_own_word_is_not_learned_from_the_release_before_or_in_a_hurry():
    first = called("5.0.0-slim", "5.0.0", seconds=14)["ref:5.0.0-slim"]
    assert first.answered is None and first.soaked_seconds == 0
    before = tuple(called("5.0.0-slim", "5.0.0").values())
    switching = NOW + timedelta(minutes=2)
    rows = called("5.1.0-slim", "5.0.0", before, seconds=40, start=switching)  # the earlier one answers for long
    assert rows["ref:5.1.0-slim"].answered is None
    rows = called("5.1.0-slim", "5.1.0", tuple(rows.values()), start=switching + timedelta(seconds=42))
    assert (rows["ref:5.0.0-slim"].answered, rows["ref:5.1.0-slim"].answered) == ("5.0.0", "5.1.0")
    late = called("5.0.0-slim", "5.1.0", tuple(rows.values()), seconds=30, start=NOW + timedelta(minutes=9))
    assert late["ref:5.0.0-slim"].answered == "5.0.0"  # nor unlearned, by a platform that is a moment ahead


def test_a_word_that_has_just_come_up_is_not_learned():
    known, began = {}, NOW
    for tick in range(0, 41, 2):
        now = NOW + timedelta(seconds=tick)
        health = HEALTHY.model_copy(update={"observed_at": now, "version": "x", "version_since": now})
        for row in observe("production", "api", SERVED, health, tuple(known.values()), POLICY, now):
            known[row.reference] = row
    assert known["ref:2.4.1"].answered is None and known["ref:2.4.1"].first_seen == began
