"""Wrong or missing ways to a cluster: one clear line, the right exit code, and a console that stays alive."""

import asyncio
import re
from pathlib import Path

import pytest

from actions.config import load
from actions.desk import open_operator
from actions.model.health import Snapshot
from tests.end_to_end.on_kubernetes import IMAGE, KubernetesStage, workload
from tests.end_to_end.stage import ENVIRONMENT, GOOD, until
from tests.kubernetes.double import Rule

pytestmark = pytest.mark.timeout(600)
ROLL_BACK = ("rollback", "--last-good", "--yes", "--wait")


def configured(stage: KubernetesStage, **more: object) -> KubernetesStage:
    """The stage with a changed table of the workload."""
    stage.service = stage.service | {"workload": stage.service["workload"] | more}
    stage.write()
    return stage


def test_a_wrong_context_is_a_configuration_error(deployment: KubernetesStage) -> None:
    line = configured(deployment, context="nowhere").refused(*ROLL_BACK, code=3)
    assert "nowhere" in line and "check 'kubeconfig' and 'context'" in line
    assert "nowhere" in str(deployment.json("status")["readiness"])


def test_a_kubeconfig_that_is_not_there_is_a_configuration_error(deployment: KubernetesStage) -> None:
    line = configured(deployment, kubeconfig=Path("/nonexistent/config")).refused(*ROLL_BACK, code=3)
    assert "/nonexistent/config" in line


def test_an_expired_token_says_to_log_in_again(deployment: KubernetesStage) -> None:
    deployment.double.access.expire("admin")
    line = deployment.refused(*ROLL_BACK, code=9)
    assert "401" in line and "log in again" in line
    deployment.double.access.renew("admin")
    assert deployment.json("readiness")["current"] is None


def test_an_unreachable_api_is_said_and_the_other_figures_stay(deployment: KubernetesStage) -> None:
    deployment.double.down()
    line = deployment.refused(*ROLL_BACK, code=9)
    assert "check network or VPN" in line
    standing = deployment.json("status")
    assert standing["services"][0]["version"] == GOOD and not standing["readiness"]["ready"]


def test_a_namespace_without_rights_names_the_right(deployment: KubernetesStage) -> None:
    deployment.double.allow("guest", Rule(verbs=("get", "list", "watch"), namespaces=("elsewhere",)))
    table = workload(deployment.double, deployment.folder, user="guest")
    line = configured(deployment, **table).refused(*ROLL_BACK)
    assert 'deployments.apps is forbidden: User "guest" cannot list' in line


def test_a_name_that_is_not_there_says_what_to_check(deployment: KubernetesStage) -> None:
    line = configured(deployment, name="no-such").refused(*ROLL_BACK, code=4)
    assert "no deployment 'no-such' in namespace 'vq'" in line


def test_without_an_older_revision_there_is_nothing_to_go_back_to(deployment: KubernetesStage) -> None:
    deployment.soaked(GOOD)
    assert "only release that earned 'good'" in deployment.refused(*ROLL_BACK)
    ready = deployment.json("readiness")
    assert any("no older revision is kept" in one["evidence"] for one in ready["checks"])


def test_a_good_revision_that_is_not_kept_is_named(deployment: KubernetesStage) -> None:
    deployment.soaked(GOOD)
    deployment.double.edit("Deployment", "api", {"spec": {"revisionHistoryLimit": 0}})
    deployment.release("2.4.1")
    until(lambda: len(deployment.double.all("ReplicaSet")) == 1, "the old replica set is gone")
    deployment.seen("2.4.1")
    assert f"{GOOD} earned 'good' but is not at hand" in deployment.refused(*ROLL_BACK)
    assert "not at hand" in deployment.refused("rollback", "--to", GOOD, "--yes")


def test_a_console_outlives_the_api_and_says_since_when(deployment: KubernetesStage) -> None:
    """An operator's desk, as a console holds it: snapshots go on, the reason grows older, and it all comes back."""
    deployment.soaked(GOOD)

    async def watch() -> tuple[list[int], bool]:
        desk = open_operator(load(deployment.config), deployment.config, ENVIRONMENT)
        await desk.start()
        said: list[int] = []
        try:
            async with asyncio.timeout(150):
                snapshots = desk.snapshots()
                await _first(snapshots, lambda one: one.services[0].version == GOOD)
                assert (await desk.slots("api"))[0].facts is not None
                deployment.double.down()
                async for _ in snapshots:
                    seen = (await desk.slots("api"))[0]
                    found = re.search(r"\(for (\d+) s\)", seen.error)
                    said += [int(found[1])] if found else []
                    if said and said[-1] >= said[0] + 3:
                        break
                deployment.double.up()
                async for _ in snapshots:
                    if (await desk.slots("api"))[0].facts is not None:
                        return said, True
        finally:
            await desk.close()
        return said, False

    said, back = asyncio.run(watch())
    assert back and said == sorted(said)
    assert deployment.double.get("Deployment", "api")["spec"]["template"]["spec"]["containers"][0]["image"] == (
        f"{IMAGE}:{GOOD}"
    )


async def _first(snapshots: object, enough: object) -> Snapshot:
    async for one in snapshots:  # type: ignore[attr-defined]
        if enough(one):  # type: ignore[operator]
            return one
    raise AssertionError("no more snapshots")
