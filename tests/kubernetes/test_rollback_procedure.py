"""The one rollback procedure over every kind of workload of a cluster: no special case on the way."""

from datetime import UTC, datetime, timedelta

import pytest

from actions.model.environment import Environment, Policy
from actions.model.errors import Refused, Stale
from actions.model.services import HttpService
from actions.model.words import Verdict
from actions.model.workloads import KubernetesWorkload
from actions.platforms.access import WriteAccess
from actions.procedures.offer import offer
from actions.releases.gather import gather
from tests.kubernetes.double import KubernetesDouble
from tests.platforms.fake import FakeLedger, Standing, World, artefact, front
from tests.releases.making import release
from tests.releases.making import request as wanted
from tests.steps.running import planned, run

IMAGE = "registry.local/virtualqueue-api"
KINDS = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}


@pytest.fixture
async def outside():
    """Users' address; it names no version, so the platform must show it."""
    world = World({"main": Standing(artefact("1.4.2"))}, {"main": 1.0}, names_version=False)
    async with front(world) as addresses:
        yield addresses["outside"]


async def opened(double: KubernetesDouble, outside: str, kind: str, tmp_path, user: str = "admin"):
    config = double.kubeconfig(tmp_path / f"{user}.yaml", user)
    more = {"stateful_data_compatible": True} if kind == "statefulset" else {}
    workload = KubernetesWorkload(kubeconfig=config, context="double", namespace="vq", kind=kind, name="api", **more)
    service = HttpService(url=outside, workload=workload)
    return WriteAccess("production", Environment(services={"api": service}, policy=Policy(prove_seconds=5)))


def brought_up(double: KubernetesDouble, kind: str) -> None:
    make = {"deployment": double.deployment, "statefulset": double.statefulset, "daemonset": double.daemonset}[kind]
    make("api", f"{IMAGE}:1.4.1")
    double.rolled_out("api", kind=KINDS[kind])
    double.release("api", f"{IMAGE}:1.4.2", kind=KINDS[kind])
    double.rolled_out("api", kind=KINDS[kind])


async def history(access: WriteAccess, tmp_path) -> FakeLedger:
    ledger, now = FakeLedger(tmp_path), datetime.now(UTC)
    facts = await access.workload("api", "main").observe()
    for age, one in enumerate((facts.current, *facts.at_hand)):
        verdict = Verdict.GOOD if age else Verdict.CANDIDATE
        seen = now - timedelta(hours=age)
        ledger.save_release(release(one.version, verdict, reference=one.reference, last_seen=seen))
    return ledger


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_goes_back_by_the_same_procedure(double, outside, kind, tmp_path):
    brought_up(double, kind)
    access = await opened(double, outside, kind, tmp_path)
    try:
        ledger = await history(access, tmp_path)
        plan = await planned(access, ledger)
        assert (plan.from_version, plan.to_version) == ("1.4.2", "1.4.1")
        outcome = await run(access, ledger, plan, tmp_path)
        assert outcome.error is None and "the platform shows" in outcome.evidence["prove-outside"].text
        again = offer(wanted(service="api"), await gather(access, ledger, request=wanted(service="api")))
        assert again.plan is None and "1.4.1 is live" in again.refusal
    finally:
        await access.close()


async def test_an_edit_after_planning_is_stale_and_a_viewer_is_refused(double, outside, tmp_path):
    brought_up(double, "deployment")
    access = await opened(double, outside, "deployment", tmp_path)
    viewer = await opened(double, outside, "deployment", tmp_path, "viewer")
    try:
        ledger = await history(access, tmp_path)
        plan = await planned(access, ledger)
        with pytest.raises(Refused, match="patch"):
            await planned(viewer, ledger)
        double.release("api", f"{IMAGE}:1.4.3")
        double.rolled_out("api")
        outcome = await run(access, ledger, plan, tmp_path)
        assert isinstance(outcome.error, Stale) and not outcome.undo_error
    finally:
        await access.close()
        await viewer.close()
