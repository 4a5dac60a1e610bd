"""'Good' earned while only a keeper watches, and executors that die around the patch of a cluster."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.on_kubernetes import KubernetesStage
from tests.end_to_end.stage import BAD, GOOD, until

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def kept(deployment: KubernetesStage) -> Iterator[KubernetesStage]:
    """A Deployment that a keeper watches; no console is open."""
    deployment.policy = {"soak_seconds": 4, "soak_samples": 2}
    deployment.write()
    assert deployment.json("keeper", "start")["alive"]
    yield deployment
    deployment.json("keeper", "stop")


def verdicts(stage: KubernetesStage) -> dict[str, str]:
    return {one["version"]: one["verdict"] for one in stage.json("releases")["releases"]}


def test_a_release_earns_good_under_a_keeper_and_is_what_a_rollback_goes_to(kept: KubernetesStage) -> None:
    until(lambda: verdicts(kept) == {GOOD: "good"}, f"{GOOD} earned good", 120)
    good = kept.json("releases")["releases"][0]
    assert "healthy for" in good["verdict_reason"] and good["samples"] >= 2 and good["seen_by"] == "keeper"
    kept.release(BAD)
    until(lambda: BAD in verdicts(kept), f"{BAD} was seen", 120)
    assert any(BAD in change["text"] for change in kept.json("status")["changes"])
    run = kept.roll_back()
    assert (run["state"], run["from"], run["to"]) == ("succeeded", BAD, GOOD) and kept.reached() == GOOD


@pytest.mark.parametrize("point", ["kubernetes.before-patch", "kubernetes.after-patch", "verify.3.before"])
def test_an_executor_that_dies_around_the_patch_is_resumed_and_patches_once(
    deployment: KubernetesStage, point: str
) -> None:
    deployment.bad_release()
    run = deployment.json("rollback", "--last-good", "--yes", VQ_CRASH_AT=point)["run"]
    until(lambda: deployment.json("runs", "show", run)["executor"]["state"] == "dead", "the executor died")
    ended = deployment.json("runs", "resume", run, "--wait")
    assert ended["state"] == "succeeded" and ended["metrics"]["executors"] == 2
    assert deployment.reached() == GOOD and len(deployment.double.writes("deployments", "api")) == 1
    mark = deployment.double.get("Deployment", "api")["metadata"]["annotations"]["vq-tui/run"]
    assert mark.startswith(run)
