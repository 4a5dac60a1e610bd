"""Drift refuses a rollback, says how to go on, and is gone on from once a person has accepted it."""

import pytest

from actions.model.errors import Drifted
from actions.model.health import Check
from actions.model.words import Gate, Verdict
from actions.procedures.offer import offer
from actions.procedures.rollback import plan_rollback, revalidate
from tests.releases.making import facts, release, request, slot, traffic

RELEASES = (release("2.4.1", Verdict.CANDIDATE, days=0), release("2.4.0"))


def drifted(**more):
    slots = slot("blue", "2.4.1", "2.4.0"), slot("green", "2.4.0")
    shares = traffic(drift="edited by hand", blue=1.0, green=0.0)
    return facts(*slots, **{"releases": RELEASES, "shares": shares} | more)


@pytest.mark.parametrize(("asked", "words"), [
    ({}, "--last-good --accept-drift"),
    ({"service": "api"}, "--last-good --service api --accept-drift"),
    ({"to": "2.4.0", "service": "api"}, "--to 2.4.0 --service api --accept-drift"),
])  # fmt: skip
def test_the_refusal_names_the_exact_command(asked, words):
    with pytest.raises(Drifted, match=f"edited by hand: look who changed it; to accept it: 'vq-tui rollback {words}'$"):
        plan_rollback(request(**asked), drifted(**({"wanted": asked["to"]} if "to" in asked else {})))


def test_an_offer_says_that_accepting_would_go_on():
    refused = offer(request(), drifted())
    assert refused.plan is None and refused.drift == "traffic as configured: edited by hand: look who changed it"
    accepted = offer(request(accept_drift=True), drifted())
    assert accepted.plan is not None and not accepted.drift
    revalidate(accepted.plan, drifted(wanted=accepted.plan.to_reference), accept_drift=True)


def test_what_was_accepted_is_another_decision_than_one_without_drift():
    plain = plan_rollback(request(), drifted(shares=traffic(blue=1.0, green=0.0)))
    assert plan_rollback(request(accept_drift=True), drifted()).digest != plain.digest


def test_accepting_drift_accepts_nothing_else():
    denied = Check(id="permissions", title="reload", gate=Gate.FAIL, evidence="may not reload")
    refused = offer(request(accept_drift=True), drifted(traffic_permissions=(denied,)))
    assert refused.plan is None and "may not reload" in refused.refusal and not refused.drift
