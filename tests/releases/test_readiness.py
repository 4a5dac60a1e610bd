"""Readiness of the way back says what is wrong, why, and what to do; nothing unmeasured is green."""

from datetime import timedelta

from actions.health.readiness import readiness
from actions.health.soak import span
from actions.model.health import UNCLEAR, Check, ServiceHealth
from actions.model.record import Drill
from actions.model.words import Gate, HealthState, Verdict
from actions.releases.pinned import refuse_failed
from tests.releases.making import NOW, facts, release, slot, traffic

NEW, GOOD = release("2.4.1", Verdict.CANDIDATE, days=0), release("2.4.0")


def ready(**more):
    world = {"releases": (NEW, GOOD), "shares": traffic(blue=1.0, green=0.0)} | more
    return readiness(facts(slot("blue", "2.4.1"), slot("green", "2.4.0"), **world))


def check(found, name):
    return next(one for one in found.checks if one.id == name)


def test_ready_names_the_release_its_soak_and_the_seconds():
    found = ready(past_seconds=(11.0, 9.0, 14.0))
    assert found.gate == Gate.PASS and found.to.version == "2.4.0" and found.current.version == "2.4.1"
    assert check(found, "good").evidence == "2.4.0 good, soaked 9 d"
    assert check(found, "standby").evidence == "green runs 2.4.0, 1/1 ready"
    assert (found.expected_seconds, found.fastest, found.slowest) == (11.0, 9.0, 14.0)
    assert found.reason == ""


def test_health_answers_that_nobody_understands_prove_no_release():
    health = ServiceHealth(service="api", kind="http", state=HealthState.UNKNOWN, word=UNCLEAR, summary="says 'mood'")
    found = ready(health=health)
    assert found.gate == Gate.INCONCLUSIVE and check(found, "health").gate is Gate.INCONCLUSIVE
    assert "status-only" in check(found, "health").advice
    assert all(one.id != "health" for one in ready().checks)


def test_without_past_runs_the_plan_is_the_estimate_and_no_sample_is_claimed():
    found = ready()
    assert found.expected_seconds and found.samples == 0 and found.fastest is None


def test_runs_to_a_warm_standby_do_not_promise_that_a_cold_one_is_as_quick():
    def cold(**more):
        return readiness(
            facts(
                slot("blue", "2.4.1"),
                slot("green", "2.3.9", "2.4.0"),
                releases=(NEW, GOOD),
                shares=traffic(blue=1.0, green=0.0),
                **more,
            )
        )

    planned = cold().expected_seconds
    assert planned and ready(past_seconds=(0.1,)).expected_seconds == 0.1
    assert cold(past_seconds=(0.1,)).expected_seconds == planned
    assert cold(past_seconds=(planned + 30,)).expected_seconds == planned + 30


def test_a_new_environment_says_how_far_the_soak_is():
    found = ready(releases=(NEW,))
    assert found.gate == Gate.FAIL and found.to is None and found.expected_seconds is None
    assert "2.4.1 has soaked 40 s of 600 s" in found.reason
    assert check(found, "good").advice


def test_a_platform_that_does_not_answer_does_not_mean_that_there_is_no_release_to_go_back_to():
    silent = [slot(name, None, workload=None, error="no answer within 5 s") for name in ("blue", "green")]
    for slots, shares in ((silent, traffic(blue=1.0, green=0.0)), ([slot("blue", "2.4.1"), silent[1]], traffic())):
        found = readiness(facts(*slots, releases=(NEW, GOOD), shares=shares))
        assert check(found, "good").gate is Gate.INCONCLUSIVE and found.to is None
        assert "no answer within 5 s" in check(found, "good").evidence or "which slot is live" in found.reason
        assert found.gate == Gate.INCONCLUSIVE
    unmanaged = readiness(facts(releases=(NEW, GOOD)))
    assert check(unmanaged, "good").gate is Gate.FAIL, "that is configured so, not unknown"


def test_releases_at_hand_are_not_counted_where_a_slot_cannot_be_observed():
    found = readiness(
        facts(slot("blue", "2.4.1"), slot("green", "2.4.0", workload=None, error="no answer"), releases=(NEW, GOOD))
    )
    assert check(found, "releases").evidence == "not known: green cannot be observed"
    assert check(found, "releases").gate is Gate.INCONCLUSIVE


def test_a_held_lock_an_unwritable_journal_and_missing_rights_each_stop_it():
    held = ready(active="01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert held.gate == Gate.FAIL and "G5FAV" in check(held, "lock").evidence
    journal = Check(id="journal", title="journal writable", gate=Gate.FAIL, evidence="no right to write /x")
    assert ready(journal=journal).reason == "no right to write /x"
    denied = Check(id="permissions", title="patch", gate=Gate.INCONCLUSIVE, evidence="could not ask")
    assert ready(traffic_permissions=(denied,)).gate == Gate.INCONCLUSIVE


def test_readiness_is_not_green_while_nothing_is_known_of_the_other_services():
    """A database that nobody could look at may be dead; a rollback may go on, but not as if all were well."""
    found = ready(others_unknown=("postgres", "redis"))
    assert found.gate == Gate.INCONCLUSIVE and found.reason == "not known: postgres, redis"
    assert check(found, "system").gate is Gate.INCONCLUSIVE and check(found, "system").advice
    both = check(ready(others_unknown=("redis",), others_down=("postgres",)), "system")
    assert both.evidence == "down: postgres; not known: redis"
    slots = (slot("blue", "2.4.1"), slot("green", "2.4.0"))
    refuse_failed(facts(*slots, releases=(NEW, GOOD), others_unknown=("postgres",)))  # an emergency goes on


def test_drill_and_stock_are_shown_and_never_decide():
    found = ready()
    assert check(found, "drill").evidence == "no drill yet" and check(found, "drill").gate is Gate.INCONCLUSIVE
    assert check(found, "releases").evidence == "1 good at hand, 3 wanted: 2.4.0"
    passed = Drill(
        id="D",
        environment="production",
        scenario="bad-release",
        operator="mira",
        started_at=NOW - timedelta(days=6),
        ended_at=NOW - timedelta(days=6),
        points={"injected": NOW, "recovered": NOW + timedelta(seconds=41)},
        passed=True,
    )
    assert check(ready(drills=(passed,)), "drill").evidence == "6 d ago, 41 s"
    assert check(ready(drills=(passed.model_copy(update={"passed": False}),)), "drill").gate is Gate.INCONCLUSIVE


def test_a_cold_standby_is_slower_but_possible():
    world = facts(
        slot("blue", "2.4.1"),
        slot("green", "2.3.9", "2.4.0"),
        releases=(NEW, GOOD),
        shares=traffic(blue=1.0, green=0.0),
    )
    found = readiness(world)
    assert found.gate == Gate.PASS and check(found, "standby").gate is Gate.INCONCLUSIVE
    assert "2.4.0 is brought in first" in check(found, "standby").evidence
    refused = readiness(world.model_copy(update={"switch_refusal": "the include was edited"}))
    assert refused.gate == Gate.FAIL and refused.reason == "the include was edited"


def test_spans_read_like_people_say_them():
    assert [span(value) for value in (40, 720, 10_800, 777_600)] == ["40 s", "12 min", "3 h", "9 d"]


def test_of_many_others_the_first_are_named_and_the_rest_counted():
    names = tuple(f"svc-{number}" for number in range(49))
    assert check(ready(others_unknown=names), "system").evidence == "not known: svc-0, svc-1, svc-2, svc-3 and 45 more"
