"""Restarts and other counts of instances are told once, and not where a run of ours made them."""

from datetime import UTC, datetime, timedelta

from actions.keeper.instance_watch import InstanceWatch
from actions.model.platform import Instance, InstanceState, WorkloadFacts

NOW = datetime(2026, 11, 21, 22, 41, 7, tzinfo=UTC)


def slot(desired: int = 2, restarts: int = 0, started: datetime = NOW, reference: str = "sha256:1") -> WorkloadFacts:
    one = Instance(
        id="blue-1",
        name="blue-1",
        state=InstanceState.RUNNING,
        restarts=restarts,
        started_at=started,
        reference=reference,
    )
    return WorkloadFacts(observed_at=NOW, desired=desired, instances=(one,))


def test_a_restart_and_another_count_are_told_once() -> None:
    watch = InstanceWatch()
    assert watch.changes("api", {"blue": slot()}) == []
    later = slot(desired=3, restarts=1, started=NOW + timedelta(minutes=1))
    assert watch.changes("api", {"blue": later}) == [
        ("scale", "api: scale blue 2 → 3"),
        ("restart", "api: restart blue-1"),
    ]
    assert watch.changes("api", {"blue": later}) == []


def test_a_new_start_without_a_count_of_restarts_is_a_restart() -> None:
    watch = InstanceWatch()
    watch.changes("api", {"blue": slot()})
    assert watch.changes("api", {"blue": slot(started=NOW + timedelta(seconds=30))}) == [
        ("restart", "api: restart blue-1")
    ]


def test_another_release_and_what_a_run_did_are_no_restart() -> None:
    watch = InstanceWatch()
    watch.changes("api", {"blue": slot()})
    other = slot(reference="sha256:2", restarts=0, started=NOW + timedelta(minutes=1))
    assert watch.changes("api", {"blue": other}) == []
    watch.forget()
    assert watch.changes("api", {"blue": slot(desired=5, restarts=9)}) == []


def test_what_ended_by_itself_is_no_scaling() -> None:
    watch = InstanceWatch()
    watch.changes("api", {"main": slot(desired=1)})
    gone = slot(desired=0)
    ended = gone.instances[0].model_copy(update={"state": InstanceState.STOPPED, "message": "exit code 137"})
    changes = watch.changes("api", {"main": gone.model_copy(update={"instances": (ended,)})})
    assert changes == [("ended", "api: ended blue-1, exit code 137")]


def test_a_count_that_somebody_changed_is_scaling() -> None:
    watch = InstanceWatch()
    watch.changes("api", {"main": slot(desired=3)})
    assert watch.changes("api", {"main": slot(desired=1)}) == [("scale", "api: scale main 3 → 1")]
