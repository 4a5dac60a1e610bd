"""Planning a rollback: what is chosen, by which lever, and what refuses it."""

import pytest

from actions.health.readiness import conditions
from actions.model.errors import Refused, Stale, UnknownNameError
from actions.model.health import Check
from actions.model.plan import LeftBehind, Level, OnFailure
from actions.model.words import Gate, Verdict
from actions.procedures.offer import offer
from actions.procedures.rollback import plan_rollback, revalidate
from tests.releases.making import HEALTHY, ILL, NOW, artefact, facts, release, request, slot, traffic

GOOD = release("2.4.0")
OLDER = release("2.3.9", days=9)
NEW = release("2.4.1", Verdict.CANDIDATE, days=0)
BAD = release("2.4.1", Verdict.BAD, days=0.1, reason="errors 7 %")


def kinds(plan):
    return [step.kind for step in plan.steps]


def blue_green(standby="2.4.0", at_hand=("2.4.0", "2.3.9"), **more):
    return facts(
        slot("blue", "2.4.1", *at_hand),
        slot("green", standby, *(one for one in at_hand if one != standby)),
        **{"releases": (NEW, GOOD, OLDER), "shares": traffic(blue=1.0, green=0.0), "health": ILL} | more,
    )


def test_a_warm_standby_only_needs_the_traffic():
    plan = plan_rollback(request(), blue_green())
    assert plan.to_version == "2.4.0" and plan.from_version == "2.4.1"
    assert kinds(plan) == [
        "lock",
        "check-conditions",
        "prove-slot",
        "switch-traffic",
        "prove-outside",
        "validate",
        "record-verdict",
        "drain",
    ]
    assert plan.budget_seconds == 60 and plan.target == "production"
    assert plan.reason == "errors 7.2 % after release 2.4.1"


def test_a_standby_with_the_wrong_release_gets_the_right_one_first():
    plan = plan_rollback(request(), blue_green(standby="2.3.9"))
    assert plan.to_version == "2.4.0"
    assert kinds(plan)[2:5] == ["change-workload", "prove-slot", "switch-traffic"]


def test_a_standby_that_does_not_run_is_started_before_users_are_sent_there():
    world = facts(
        slot("blue", "2.4.1", "2.4.0"),
        slot("green", "2.4.0", ready=0),
        releases=(NEW, GOOD),
        shares=traffic(blue=1.0, green=0.0),
    )
    assert "change-workload" in kinds(plan_rollback(request(), world))


def test_a_standby_that_holds_the_release_and_is_not_all_ready_is_proved_before_users_are_sent_there():
    green = slot("green", "2.4.0", ready=2, desired=3, changes=())  # its platform has nothing to change there
    world = facts(slot("blue", "2.4.1", "2.4.0"), green, releases=(NEW, GOOD), shares=traffic(blue=1.0, green=0.0))
    assert kinds(plan_rollback(request(), world))[2:4] == ["prove-slot", "switch-traffic"]
    standby = next(one for one in conditions(world) if one.id == "standby")
    assert standby.gate is Gate.INCONCLUSIVE and standby.evidence == "green runs 2.4.0, 2/3 ready"
    with pytest.raises(Refused, match="all traffic is on green"):
        plan_rollback(request(), world.model_copy(update={"switch": None}))


def test_without_traffic_driver_the_workload_is_changed_in_place():
    world = facts(slot("main", "2.4.1", "2.4.0", "2.3.9", ready=3, desired=3), releases=(NEW, GOOD, OLDER))
    plan = plan_rollback(request(), world)
    assert kinds(plan) == ["lock", "check-conditions", "change-workload", "prove-outside", "validate", "record-verdict"]


def test_a_canary_is_taken_out_by_giving_the_good_slot_everything():
    world = facts(
        slot("blue", "2.4.0"), slot("green", "2.4.1"), releases=(NEW, GOOD), shares=traffic(blue=0.9, green=0.1)
    )
    plan = plan_rollback(request(), world)
    assert (plan.from_version, plan.to_version) == ("2.4.1", "2.4.0")
    assert "switch-traffic" in kinds(plan) and "change-workload" not in kinds(plan)


def test_a_split_with_no_free_slot_is_refused_and_says_what_to_do():
    world = facts(
        slot("blue", "2.4.1", "2.3.9"),
        slot("green", "2.4.2", "2.3.9"),
        releases=(NEW, OLDER),
        shares=traffic(blue=0.9, green=0.1),
    )
    with pytest.raises(Refused, match="end the split first"):
        plan_rollback(request(), world)


def test_a_second_rollback_does_not_return_to_the_bad_release():
    world = facts(
        slot("blue", "2.4.1", "2.3.9"),
        slot("green", "2.4.0", "2.3.9"),
        releases=(BAD, release("2.4.0", days=0), OLDER),
        shares=traffic(blue=0.0, green=1.0),
    )
    assert plan_rollback(request(), world).to_version == "2.3.9"


@pytest.mark.parametrize("wanted", [None, "2.4.1"])
def test_a_release_that_was_left_is_not_returned_to_though_its_verdict_was_never_recorded(wanted):
    left = {"ref:2.4.1": LeftBehind(reference="ref:2.4.1", run_id="01KAMXK4T0VYB2D3E4F5GH67QK", at=NOW)}
    world = facts(
        slot("blue", "2.4.1", "2.3.9"),
        slot("green", "2.4.0", "2.3.9"),
        releases=(release("2.4.1", days=0), release("2.4.0", days=0.1), OLDER),
        shares=traffic(blue=0.0, green=1.0),
        left_behind=left,
        wanted=wanted,
    )
    if wanted:
        with pytest.raises(Refused, match="marked bad .left by rollback GH67QK"):
            plan_rollback(request(wanted), world)
    else:
        assert plan_rollback(request(), world).to_version == "2.3.9"


def test_a_left_release_nobody_ever_saw_serving_is_not_named_back_either():
    left = {"ref:2.2.0": LeftBehind(reference="ref:2.2.0", run_id="RUN", at=NOW)}
    world = blue_green(at_hand=("2.4.0", "2.2.0"), wanted="2.2.0", left_behind=left)
    with pytest.raises(Refused, match="marked bad"):
        plan_rollback(request("2.2.0"), world)


def test_a_second_rollback_with_nothing_older_is_refused():
    world = facts(
        slot("blue", "2.4.1"),
        slot("green", "2.4.0"),
        releases=(BAD, release("2.4.0", days=0)),
        shares=traffic(blue=0.0, green=1.0),
    )
    with pytest.raises(Refused, match=r"2\.4\.0 is live and is the only release"):
        plan_rollback(request(), world)


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        ("9.9.9", UnknownNameError, r"no release '9\.9\.9' of 'api'; known: 2\.4\.1, 2\.4\.0, 2\.3\.9"),
        ("2.4.1", Refused, "is live now"),
        ("2.3.9", Refused, "is marked bad .errors 9 %.: choose another"),
    ],
)
def test_names_that_cannot_be_gone_to(wanted, error, words):
    bad = release("2.3.9", Verdict.BAD, days=9, reason="errors 9 %")
    world = blue_green(releases=(NEW, GOOD, bad), wanted=wanted)
    with pytest.raises(error, match=words):
        plan_rollback(request(wanted), world)


def test_a_named_release_that_was_fetched_away_is_refused():
    world = blue_green(at_hand=("2.4.0",), wanted="2.3.9")
    with pytest.raises(Refused, match="not at hand"):
        plan_rollback(request("2.3.9"), world)


def test_a_named_release_at_hand_without_evidence_may_be_gone_to_and_says_so():
    world = blue_green(at_hand=("2.4.0", "2.2.0"), wanted="2.2.0")
    plan = plan_rollback(request("2.2.0"), world)
    assert plan.to_version == "2.2.0" and plan.level is Level.MANUAL and plan.budget_seconds == 300
    assert any("never observed serving" in check.evidence for check in offer(request("2.2.0"), world).readiness.checks)


def test_nothing_good_yet_says_how_far_the_soak_is():
    world = facts(slot("main", "2.4.1", "2.4.0"), releases=(NEW,))
    with pytest.raises(Refused, match=r"no release has earned 'good' yet; 2\.4\.1 has soaked 40 s of 600 s"):
        plan_rollback(request(), world)


@pytest.mark.parametrize("low,high", [(42, None), (None, 40)])
def test_a_release_that_does_not_fit_the_schema_is_refused(low, high):
    standing = slot("green", "2.4.0")
    unfit = standing.workload.model_copy(update={"current": artefact("2.4.0", low, high)})
    world = facts(
        slot("blue", "2.4.1"),
        standing.model_copy(update={"workload": unfit}),
        releases=(NEW, GOOD),
        shares=traffic(blue=1.0, green=0.0),
    )
    with pytest.raises(Refused, match="schema fits"):
        plan_rollback(request(), world)


def test_an_unknown_schema_is_shown_as_inconclusive_and_refuses_nothing():
    world = blue_green(schemas={}, schema_note="nobody can tell the schema")
    offered = offer(request(), world)
    assert offered.plan is not None
    assert next(check for check in offered.readiness.checks if check.id == "schema").gate is Gate.INCONCLUSIVE


def test_a_failed_note_of_the_platform_refuses_and_an_uncertain_one_is_shown():
    owned = Check(
        id="gitops", title="owned by a controller", gate=Gate.FAIL, evidence="would be undone", advice="pause it"
    )
    for gate, refused in ((Gate.FAIL, True), (Gate.INCONCLUSIVE, False)):
        note = owned.model_copy(update={"gate": gate})
        world = facts(slot("main", "2.4.1", "2.4.0", notes=(note,)), releases=(NEW, GOOD))
        offered = offer(request(), world)
        assert (offered.plan is None) is refused
        assert note in offered.readiness.checks
        assert not refused or "would be undone: pause it" in offered.refusal


def test_missing_rights_are_named_before_anything_is_touched():
    denied = Check(id="permissions", title="patch", gate=Gate.FAIL, evidence="may not patch deployments", advice="ask")
    world = blue_green(traffic_permissions=(denied,))
    with pytest.raises(Refused, match="may not patch deployments"):
        plan_rollback(request(), world)


def test_drift_is_refused_unless_accepted():
    world = blue_green(shares=traffic(drift="edited by hand", blue=1.0, green=0.0))
    with pytest.raises(Refused, match="edited by hand"):
        plan_rollback(request(), world)
    assert plan_rollback(request(accept_drift=True), world).to_version == "2.4.0"


def test_an_unreachable_platform_or_unknown_traffic_is_a_refusal_that_says_why():
    silent = slot("main", "2.4.1").model_copy(update={"workload": None, "error": "engine does not answer"})
    with pytest.raises(Refused, match="engine does not answer"):
        plan_rollback(request(), facts(silent, releases=(NEW, GOOD)))
    lost = blue_green(shares=None, has_traffic=True, traffic_error="refused")
    with pytest.raises(Refused, match="which slot is live"):
        plan_rollback(request(), lost)


def test_the_plan_takes_as_long_as_the_last_five_runs_did():
    assert (
        plan_rollback(request(), blue_green(past_seconds=(9.0, 11.0, 14.0, 10.0, 12.0, 500.0))).expected_seconds == 11.0
    )
    offered = offer(request(), blue_green(past_seconds=(9.0, 11.0, 14.0)))
    assert (offered.readiness.fastest, offered.readiness.slowest, offered.readiness.samples) == (9.0, 14.0, 3)


def test_only_drain_and_the_verdict_are_warnings_everything_else_goes_back():
    for step in plan_rollback(request(), blue_green(standby="2.3.9")).steps:
        expected = OnFailure.WARN if step.kind in ("drain", "record-verdict") else OnFailure.UNDO
        assert step.on_failure is expected, step.kind


def test_what_stays_is_named():
    plan = plan_rollback(request(), blue_green(data_services={"postgres": "postgres", "redis": "redis"}))
    assert plan.keeps == ("postgres (schema 41 fits)", "redis")


def test_a_moved_pin_makes_the_plan_stale():
    plan = plan_rollback(request(), blue_green())
    revalidate(plan, blue_green(wanted=plan.to_reference))
    moved = traffic(blue=1.0, green=0.0).model_copy(update={"pins": {"generation": "g2"}})
    with pytest.raises(Stale, match="g1 is now g2"):
        revalidate(plan, blue_green(shares=moved, wanted=plan.to_reference))


def test_trouble_is_dated_from_the_kept_samples():
    offered = offer(request(), blue_green())
    assert offered.evidence == "errors 7.2 % after release 2.4.1"
    assert (ILL.observed_at - offered.trouble_since).total_seconds() == 4
    assert offer(request(), blue_green(health=HEALTHY)).trouble_since is None


def test_other_services_down_are_said_but_stop_nothing():
    offered = offer(request(), blue_green(others_down=("postgres",)))
    assert offered.plan is not None
    assert any(check.id == "system" and "postgres" in check.evidence for check in offered.readiness.checks)


def test_last_good_is_the_newest_that_fits_the_schema():
    standing = slot("blue", "2.4.1", "2.3.9")
    unfit = artefact("2.4.0", 42)
    held = standing.workload.model_copy(update={"at_hand": (unfit, artefact("2.3.9"))})
    world = facts(standing.model_copy(update={"workload": held}), releases=(NEW, GOOD, OLDER))
    assert plan_rollback(request(), world).to_version == "2.3.9"


def test_what_is_left_may_fall_silent_without_making_the_plan_stale():
    plan = plan_rollback(request(), blue_green())
    silent = slot("blue", "2.4.1").model_copy(update={"workload": None, "error": "connection refused"})
    dying = facts(
        silent,
        slot("green", "2.4.0"),
        releases=(NEW, GOOD),
        shares=traffic(blue=1.0, green=0.0),
        wanted=plan.to_reference,
    )
    assert revalidate(plan, dying)


def test_a_target_that_vanished_is_refused_by_its_name():
    plan = plan_rollback(request(), blue_green())
    gone = facts(
        slot("blue", "2.4.1"),
        slot("green", "2.3.9"),
        releases=(NEW, GOOD),
        shares=traffic(blue=1.0, green=0.0),
        wanted=plan.to_reference,
    )
    with pytest.raises(Refused, match="not at hand"):
        revalidate(plan, gone)


@pytest.mark.parametrize("world", [blue_green(), blue_green(standby="2.3.9")], ids=["warm", "brought in"])
def test_home_and_the_next_screen_expect_the_same(world):
    """Nothing was ever measured: both say what the steps of the plan add up to."""
    found = offer(request(), world)
    assert found.plan.expected_seconds == found.readiness.expected_seconds
    assert found.plan.expected_seconds == pytest.approx(sum(step.expected_seconds for step in found.plan.steps))
