"""R10: a rollback by command takes the environment over from a forward run, visibly in both journals."""

from typing import Any

import pytest

from tests.end_to_end.forward import until_step, update
from tests.end_to_end.on_kubernetes import KubernetesStage
from tests.end_to_end.on_nginx import NginxStage
from tests.end_to_end.stage import BAD, GOOD, Stage, until

pytestmark = pytest.mark.timeout(600)


def notes(stage: Stage, run: str) -> str:
    shown = stage.json("runs", "show", run)
    return " ".join(str(event["body"].get("text") or event["body"].get("reason")) for event in shown["events"])


def kinds(run: dict[str, Any]) -> list[str]:
    return [step["kind"] for step in run["steps"]]


@pytest.fixture
def prepared(deployment: KubernetesStage) -> KubernetesStage:
    """2.4.0 serves and is good; 2.4.1 and 2.4.2 are kept as revisions."""
    deployment.soaked(GOOD)
    for version in (BAD, "2.4.2", GOOD):
        deployment.release(version)
    until(lambda: deployment.reached() == GOOD, f"{GOOD} serves")
    return deployment


def test_an_update_under_way_is_undone_and_what_it_put_back_is_proved(prepared: KubernetesStage) -> None:
    """The undoing itself brings the wanted release back: it must not become a way one release too far."""
    running = update(prepared, BAD, kind="change-workload")
    until_step(prepared, running, 3, "running")
    assert prepared.reached() == BAD
    said = prepared("rollback", "--last-good", "--yes", "--wait", "--json")
    assert said.code == 0, said
    run = said.json
    assert (run["state"], run["from"], run["to"]) == ("succeeded", BAD, GOOD)
    assert "took the environment over from update" in said.err
    assert "change-workload" not in kinds(run) and {"prove-outside", "record-verdict"} <= set(kinds(run))
    forward = prepared.json("runs", "show", running)
    assert forward["state"] == "undone"
    assert "pre-empted by a rollback" in notes(prepared, running)
    assert "gave the environment to rollback" in notes(prepared, running)
    assert "took the environment over from update" in notes(prepared, run["run"])
    assert prepared.reached() == GOOD
    verdicts = {one["version"]: one["verdict"] for one in prepared.json("releases")["releases"]}
    assert (verdicts[GOOD], verdicts[BAD]) == ("good", "bad")


def test_an_update_that_has_changed_nothing_is_aborted(prepared: KubernetesStage) -> None:
    prepared.release(BAD)
    prepared.seen(BAD)
    running = update(prepared, "2.4.2", kind="change-workload", asks_first=True)
    until(lambda: prepared.json("runs", "show", running)["state"] == "paused", "the update asks")
    run = prepared.roll_back()
    assert (run["state"], run["from"], run["to"]) == ("succeeded", BAD, GOOD)
    assert "change-workload" in kinds(run) and prepared.reached() == GOOD
    assert prepared.json("runs", "show", running)["state"] == "aborted"


def test_a_plan_confirmed_while_the_update_ran_is_what_is_reached(prepared: KubernetesStage) -> None:
    """Bad 2.4.1 serves, and an update to 2.4.2 runs: undone it leaves 2.4.1, and the rollback goes on to 2.4.0."""
    prepared.release(BAD)
    prepared.seen(BAD)
    running = update(prepared, "2.4.2", kind="change-workload")
    until_step(prepared, running, 3, "running")
    assert prepared.json("rollback", "--plan", "--last-good")["to"] == GOOD
    run = prepared.roll_back()
    assert (run["state"], run["from"], run["to"]) == ("succeeded", BAD, GOOD)
    assert prepared.json("runs", "show", running)["state"] == "undone" and prepared.reached() == GOOD


def test_an_update_is_left_alone_when_no_rollback_could_follow(prepared: KubernetesStage) -> None:
    running = update(prepared, BAD, kind="change-workload")
    until_step(prepared, running, 3, "running")
    assert "no release 'nothing-like-it'" in prepared.refused("rollback", "--to", "nothing-like-it", "--yes", code=4)
    assert prepared.json("runs", "show", running)["state"] == "running"
    assert prepared.roll_back()["state"] == "succeeded"


@pytest.mark.machine("nginx")
def test_a_flip_under_way_is_taken_back(blue_green: NginxStage) -> None:
    blue_green.soaked(GOOD)
    running = update(blue_green, BAD, kind="switch-traffic")
    until_step(blue_green, running, 3, "running")
    assert blue_green.reached() == BAD
    run = blue_green.roll_back()
    assert (run["state"], run["from"], run["to"]) == ("succeeded", BAD, GOOD)
    assert blue_green.json("runs", "show", running)["state"] == "undone"
    assert [blue_green.reached() for _ in range(5)] == [GOOD] * 5
