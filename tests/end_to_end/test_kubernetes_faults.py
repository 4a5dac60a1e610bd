"""A cluster that moves, refuses or forgets under a rollback by command."""

from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from tests.conftest import Cli
from tests.end_to_end.on_kubernetes import IMAGE, KubernetesStage, on_kubernetes, workload
from tests.end_to_end.stage import BAD, GOOD, until
from tests.kubernetes.double import Delay, Reset, Rule

pytestmark = pytest.mark.timeout(600)

TEMPLATE = {"spec": {"template": {"metadata": {"annotations": {"edited": "by hand"}}}}}


@pytest.fixture
def troubled(deployment: KubernetesStage) -> KubernetesStage:
    """A Deployment on the bad release."""
    deployment.bad_release()
    return deployment


def starting(stage: KubernetesStage) -> "Popen[str]":
    """A rollback under way."""
    return stage.cli.start("--config", stage.config, "rollback", "--last-good", "--yes", "--wait", "--json")


def said_by(process: "Popen[str]", code: int) -> str:
    out, err = process.communicate(timeout=150)
    assert process.returncode == code, (process.returncode, out, err)
    return out + err


def asked(stage: KubernetesStage, verb: str, **more: Any) -> Callable[[], bool]:
    def held() -> bool:
        return any(
            one.verb == verb and all(getattr(one, key) == value for key, value in more.items())
            for one in list(stage.double.requests)
        )

    return held


def last_run(stage: KubernetesStage) -> dict[str, Any]:
    found = stage.json("runs")["runs"][0]
    return stage.json("runs", "show", found["run"])


def test_an_edit_between_plan_and_act_is_refused_as_stale(troubled: KubernetesStage) -> None:
    """The executor's first look is held back until somebody else has edited."""
    troubled.double.inject(Delay(2.5), verb="list", resource="deployments", after=1)
    process = starting(troubled)
    until(lambda: any((troubled.ledger / "runs").glob("*")), "the run was submitted")
    troubled.double.edit("Deployment", "api", TEMPLATE)
    said = said_by(process, 1)
    assert '"failed"' in said
    run = last_run(troubled)
    assert run["state"] == "failed" and any("plan again" in step["text"] for step in run["steps"])
    assert not troubled.double.writes("deployments", "api") and troubled.reached() == BAD


def test_an_edit_between_check_and_patch_is_refused_by_the_server(troubled: KubernetesStage) -> None:
    troubled.double.inject(Delay(1.5), verb="patch", resource="deployments", dry_run=False)
    process = starting(troubled)
    until(asked(troubled, "patch", dry_run=False), "the patch is under way")
    troubled.double.edit("Deployment", "api", TEMPLATE)
    assert '"undone"' in said_by(process, 1)
    run = last_run(troubled)
    assert any("look again and plan anew" in step["text"] or "nothing of this run stands" in step["text"]
               for step in run["steps"])  # fmt: skip
    assert not troubled.double.writes("deployments", "api") and troubled.reached() == BAD


def test_32_a_connection_lost_after_the_patch_is_applied_once(troubled: KubernetesStage) -> None:
    troubled.double.inject(Reset(applied=True), verb="patch", resource="deployments", dry_run=False)
    assert troubled.roll_back()["state"] == "succeeded"
    assert len(troubled.double.writes("deployments", "api")) == 1 and troubled.reached() == GOOD


def test_33_a_rollout_past_its_deadline_is_reported_and_undone(troubled: KubernetesStage) -> None:
    """The old image stopped working meanwhile: the new pods never turn ready, the ones of before go on serving."""
    troubled.double.disturb(lambda images: images.sick.add(f"{IMAGE}:{GOOD}"))
    run = troubled.roll_back(code=1)
    assert run["state"] == "undone"
    failed = next(step for step in run["steps"] if step["kind"] == "change-workload")
    journal = last_run(troubled)["events"]
    assert any("ProgressDeadlineExceeded" in str(event["body"].get("error")) for event in journal), failed
    until(lambda: troubled.reached() == BAD, "the release of before serves")
    image = troubled.double.get("Deployment", "api")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == f"{IMAGE}:{BAD}"


def test_34_a_paused_deployment_is_refused_with_what_to_do(troubled: KubernetesStage) -> None:
    troubled.double.edit("Deployment", "api", {"spec": {"paused": True}})
    said = troubled.refused("rollback", "--last-good", "--yes")
    assert "resume it first: kubectl --kubeconfig" in said and "-n vq rollout resume deployment/api" in said
    assert not troubled.double.writes("deployments", "api")


@pytest.mark.parametrize("how", ["recreated", "deleted"])
def test_34_a_workload_that_vanishes_mid_run_needs_a_person(troubled: KubernetesStage, how: str) -> None:
    troubled.double.disturb(lambda images: images.sick.add(f"{IMAGE}:{GOOD}"))
    process = starting(troubled)
    until(lambda: bool(troubled.double.writes("deployments", "api")), "the template is set")
    if how == "recreated":
        troubled.double.recreate("Deployment", "api")
    else:
        troubled.double.delete("Deployment", "api")
    said_by(process, 10)
    run = last_run(troubled)
    assert run["state"] == "needs-operator" and run["manual"]
    word = "made anew" if how == "recreated" else "was deleted"
    assert any(word in str(event["body"]) for event in run["events"])


def test_35_a_viewer_token_is_refused_before_anything_and_the_verb_named(troubled: KubernetesStage) -> None:
    table = workload(troubled.double, troubled.folder, user="viewer")
    troubled.service = troubled.service | {"workload": table}
    troubled.write()
    assert "not granted: patch deployments" in troubled.refused("rollback", "--last-good", "--yes", "--wait")
    ready = troubled.json("readiness")
    assert ready["gate"] == "fail" and any("patch deployments" in one["evidence"] for one in ready["checks"])
    assert any(one["gate"] == "fail" and "patch deployments" in one["evidence"]
               for one in troubled.json("doctor", code=1)["checks"])  # fmt: skip
    assert troubled.json("runs")["total"] == 0


@pytest.fixture
def ordered(tmp_path: Path, cli: Cli) -> Iterator[KubernetesStage]:
    """A StatefulSet with 2.4.0."""
    with on_kubernetes(tmp_path, cli, "statefulset") as made:
        yield made


def test_36_a_stuck_stateful_set_is_planned_and_unstuck(ordered: KubernetesStage) -> None:
    ordered.soaked(GOOD)
    ordered.double.release("api", f"{IMAGE}:{BAD}-bad", kind="StatefulSet")
    stuck = lambda: any(":2.4.1-bad" in str(pod["spec"]) for pod in ordered.double.pods("api"))  # noqa: E731
    until(stuck, "a stuck pod")
    planned = ordered.json("rollback", "--plan", "--last-good")
    kinds = [step["title"] for phase in planned["plan"]["phases"] for step in phase["steps"]]
    assert any(title.startswith("delete stuck api-") for title in kinds)
    assert ordered.roll_back()["state"] == "succeeded"
    assert not stuck()


def test_rights_lost_mid_run_end_with_what_is_missing(troubled: KubernetesStage) -> None:
    """The right is gone when the patch arrives, after every check of the plan and of the executor."""
    troubled.double.inject(Delay(1.5), verb="patch", resource="deployments", dry_run=False)
    process = starting(troubled)
    until(asked(troubled, "patch", dry_run=False), "the patch is under way")
    troubled.double.deny("admin", Rule(verbs=("patch",), resources=("deployments",)))
    said = said_by(process, 1)
    run = last_run(troubled)
    assert run["state"] in ("failed", "undone") and troubled.reached() == BAD
    step = next(one for one in run["steps"] if one["kind"] == "change-workload")
    assert run["failure"] == step["failure"] and run["failure"]["step"] == step["id"]
    assert run["failure"]["code"] == "refused" and "cannot patch resource" in run["failure"]["text"]
    assert '"failure"' in said and "cannot patch resource" in said
    shown = troubled.cli("--config", troubled.config, "runs", "show", run["run"]).out
    assert "failed: " in shown and "cannot patch resource" in shown
