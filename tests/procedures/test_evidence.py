"""What an offer says against the release that serves: measured of it, or said to be not known yet."""

from datetime import timedelta

from actions.model.health import Figure, ServiceHealth
from actions.model.plan import LeftBehind, RollbackOffer
from actions.model.words import Gate, HealthState, Verdict
from actions.procedures.offer import offer
from tests.releases.making import HEALTHY, ILL, NOW, facts, release, request, slot, traffic


def offered(health: ServiceHealth, left_ago: float | None = None, active: str | None = None) -> RollbackOffer:
    """2.4.0 serves, 2.4.5 stands in the other slot; `left_ago` seconds ago a rollback has left 2.4.5."""
    left = {}
    if left_ago is not None:
        left["ref:2.4.5"] = LeftBehind(reference="ref:2.4.5", run_id="RUN1", at=NOW - timedelta(seconds=left_ago))
    world = facts(
        slot("blue", "2.4.5", "2.3.9"),
        slot("green", "2.4.0", "2.3.9"),
        releases=(release("2.4.5", Verdict.CANDIDATE), release("2.4.0"), release("2.3.9", days=9)),
        shares=traffic(blue=0.0, green=1.0),
        health=health,
        left_behind=left,
        active=active,
    )
    return offer(request(), world)


def test_errors_measured_of_the_release_before_are_no_reason_against_the_one_that_serves() -> None:
    found = offered(ILL.model_copy(update={"judged": ("2.4.5",)}))
    assert found.evidence == "" and found.note == "too few answers yet" and found.trouble_since is None
    assert found.plan is not None and found.plan.reason == "rollback of 2.4.0"


def test_errors_of_the_release_itself_are_the_reason() -> None:
    found = offered(ILL.model_copy(update={"judged": ("2.4.0",)}))
    assert found.evidence == "errors 7.2 % after release 2.4.0" and found.note == ""
    # A name that no release has tells nothing: the service may name its versions in its own way.
    assert offered(ILL.model_copy(update={"judged": ("v2.4.0-g1",)})).evidence == found.evidence


def test_errors_while_several_versions_answer_are_not_put_on_one() -> None:
    found = offered(ILL.model_copy(update={"judged": ("2.4.0", "2.4.5")}))
    assert found.evidence == "errors 7.2 % while 2.4.0 and 2.4.5 answer"


def test_too_few_answers_are_said_and_so_is_the_rollback_just_made() -> None:
    rate = Figure(name="error rate", value=None, unit="fraction", limit=0.01, gate=Gate.INCONCLUSIVE)
    since = {"judged": ("2.4.0",), "version_since": NOW - timedelta(seconds=3), "attempted_at": NOW}
    found = offered(HEALTHY.model_copy(update={"figures": (rate,), **since}), left_ago=8)
    assert found.note == "too few answers yet; rolled back from 2.4.5 8 s ago"
    assert found.evidence == "" and found.plan is not None
    assert offered(HEALTHY.model_copy(update={"attempted_at": NOW}), left_ago=90).note == ""


def test_what_was_seen_before_the_rollback_ended_is_not_held_against_what_it_brought() -> None:
    down = HEALTHY.model_copy(update={"state": HealthState.DOWN, "word": "down"})
    before = down.model_copy(update={"attempted_at": NOW - timedelta(seconds=3)})
    assert offered(before, left_ago=2).evidence == ""
    assert offered(before, left_ago=2, active="RUN1").evidence == "health down after release 2.4.0"
    assert offered(down.model_copy(update={"attempted_at": NOW}), left_ago=2).evidence.startswith("health down")


def test_trouble_is_dated_no_earlier_than_the_release() -> None:
    since = NOW - timedelta(seconds=1)
    assert offered(ILL.model_copy(update={"judged": ("2.4.0",), "version_since": since})).trouble_since == since


def test_only_slowness_is_called_slow() -> None:
    failing = HEALTHY.model_copy(update={"state": HealthState.DEGRADED, "word": "failing", "latency_ms": 5.0})
    assert offered(failing).evidence == "health failing after release 2.4.0"
    slow = failing.model_copy(update={"word": "slow", "latency_ms": 900.0})
    assert offered(slow).evidence == "slow, 900 ms after release 2.4.0"


def _during(**facts_of: object) -> str:
    """The evidence while 2.4.0 is down, with what else is known."""
    down = HEALTHY.model_copy(update={"state": HealthState.DOWN, "word": "down", "judged": ("2.4.0",)})
    world = facts(
        slot("blue", "2.4.5", "2.3.9"),
        slot("green", "2.4.0", "2.3.9"),
        releases=(release("2.4.5", Verdict.CANDIDATE), release("2.4.0"), release("2.3.9", days=9)),
        shares=traffic(blue=0.0, green=1.0),
        health=down,
        **facts_of,
    )
    return offer(request(), world).evidence


def test_a_release_is_not_blamed_for_what_it_rests_on() -> None:
    data = {"cache": "redis", "db": "postgres"}
    assert _during(data_services=data, others_down=("cache",)) == "health down while cache is down"
    assert _during(data_services=data, others_down=("cache", "db")) == "health down while cache and db are down"
    assert _during(data_services=data, others_down=("mail",)) == "health down after release 2.4.0"


def test_a_release_is_not_blamed_for_trouble_that_is_older() -> None:
    errors = (0.2,) * 30
    late = release("2.4.0").model_copy(update={"first_seen": NOW - timedelta(seconds=10)})
    ill = ILL.model_copy(update={"judged": ("2.4.0",), "errors": errors, "observed_at": NOW})
    world = facts(
        slot("blue", "2.4.5"), slot("green", "2.4.0"),
        releases=(release("2.4.5"), late), shares=traffic(blue=0.0, green=1.0), health=ill,
    )  # fmt: skip
    assert offer(request(), world).evidence == "errors 7.2 % since before release 2.4.0"
