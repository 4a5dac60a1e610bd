"""Somebody else changes the workload, or the server answers badly, between plan and act."""

import pytest

from actions.clients.kubernetes_api import KubernetesWriter
from actions.model.errors import Ambiguous, Stale
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.platforms.kubernetes import change as change_module
from tests.kubernetes.bench import KEY, Bench, ignore
from tests.kubernetes.double import Answer, KubernetesDouble, Reset


@pytest.mark.parametrize("meanwhile", ["edit", "recreate", "delete"])
async def test_a_change_by_someone_else_between_plan_and_act_is_stale(
    bench: Bench, released: KubernetesDouble, meanwhile: str
) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    if meanwhile == "edit":
        released.release("api", "registry.local/virtualqueue-api:1.4.3")
    elif meanwhile == "recreate":
        released.recreate("Deployment", "api")
    else:
        released.delete("Deployment", "api")
    with pytest.raises(Stale):
        await changer.check(changes[0])
    with pytest.raises(Stale):
        await changer.act(changes[0], KEY, bench.directory, ignore)
    assert not released.writes("deployments", "api")


async def test_32_an_edit_between_read_and_patch_is_refused_by_the_server(
    bench: Bench, released: KubernetesDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    monkeypatch.setattr(
        change_module, "crashpoint", lambda name: name.endswith("before-patch") and released.release("api", "x:9")
    )
    with pytest.raises(Stale, match="422"):
        await changer.act(changes[0], KEY, bench.directory, ignore)


@pytest.mark.parametrize("code", [429, 503])
async def test_32_a_busy_server_is_asked_again_and_the_template_applied_once(
    bench: Bench, released: KubernetesDouble, code: int
) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    released.inject(Answer(code, retry_after=1), verb="patch", resource="deployments", dry_run=False)
    await bench.carry_out(changer, changes)
    assert len(released.writes("deployments", "api")) == 1


async def test_32_a_connection_lost_after_the_patch_is_ambiguous_and_the_probe_decides(
    bench: Bench, released: KubernetesDouble
) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    await changer.check(changes[0])
    await changer.protect(changes[0], KEY, bench.directory)
    released.inject(Reset(applied=True), verb="patch", resource="deployments", dry_run=False)
    with pytest.raises(Ambiguous, match="may be applied"):
        await changer.act(changes[0], KEY, bench.directory, ignore)
    assert (await changer.probe(changes[0], KEY, bench.directory)).state is ProbeState.DONE
    await changer.act(changes[0], KEY, bench.directory, ignore)
    await changer.verify(changes[0], KEY, Deadline(20), ignore)
    assert len(released.writes("deployments", "api")) == 1


async def test_32_a_500_on_the_patch_is_ambiguous_and_nothing_was_done(
    bench: Bench, released: KubernetesDouble
) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    released.inject(Answer(500), verb="patch", resource="deployments", dry_run=False)
    with pytest.raises(Ambiguous):
        await changer.act(changes[0], KEY, bench.directory, ignore)
    assert (await changer.probe(changes[0], KEY, bench.directory)).state is ProbeState.NOT_STARTED


@pytest.mark.parametrize("applied", [False, True])
async def test_32_a_delete_whose_answer_is_lost_is_not_sent_again(
    bench: Bench, double: KubernetesDouble, applied: bool
) -> None:
    """The first one may have worked: by the second the name may stand for a pod that somebody needs."""
    double.statefulset("worker", "worker:2.0.0", replicas=1)
    double.rolled_out("worker", kind="StatefulSet")
    pod = double.pods("worker")[0]["metadata"]
    lost = double.inject(Reset(applied=applied), verb="delete", resource="pods", times=None)
    settings = bench.settings("statefulset", "worker")
    writer = KubernetesWriter.of(settings)
    path = f"/api/v1/namespaces/vq/pods/{pod['name']}"
    await writer.get(path)
    with pytest.raises(Ambiguous, match="may be applied"):
        await writer.delete(path, pod["uid"])
    await writer.close()
    assert lost.hits == 1
