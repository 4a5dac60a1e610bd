"""A rollback of each kind of workload, its way back, and what a crash around the patch leaves behind."""

import contextlib
import json
import shlex
from pathlib import Path

import pytest

from actions.clients.kubernetes_api import KubernetesWriter
from actions.model.errors import Refused, Stale
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.platforms.kubernetes import change as change_module
from tests.kubernetes.bench import KEY, Bench, Crashed, at_hand, ignore
from tests.kubernetes.double import KubernetesDouble


async def test_a_deployment_goes_back_to_the_pinned_template(bench: Bench, released: KubernetesDouble) -> None:
    settings = bench.settings(service="api")
    facts, changes, changer = await bench.planned(settings, "1.4.1")
    assert facts.current and facts.current.version == "1.4.2"
    told = await bench.carry_out(changer, changes)
    assert "3 of 3 updated and available" in told and "on 3 pods" in told
    after = released.get("Deployment", "api")
    assert after["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":1.4.1")
    assert after["metadata"]["annotations"]["vq-tui/run"] == f"{KEY}0"
    assert after["metadata"]["annotations"]["kubernetes.io/change-cause"] == "vq-tui run 01RUN: back to 1.4.1"
    assert len(released.writes("deployments", "api")) == 1


async def test_undo_pressed_twice_never_returns_to_the_bad_revision(bench: Bench, released: KubernetesDouble) -> None:
    settings = bench.settings()
    _, changes, changer = await bench.planned(settings, "1.4.1")
    await bench.carry_out(changer, changes)
    reader = bench.reader(settings)
    facts = await reader.observe()
    while facts.current is None or facts.current.version != "1.4.1":
        facts = await reader.observe()
    with pytest.raises(Refused, match="already asks for 1.4.1"):
        await reader.plan_change(facts, at_hand(facts, "1.4.1"))
    with pytest.raises(Stale):
        await changer.check(changes[0])
    assert released.get("Deployment", "api")["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":1.4.1")


async def test_undo_restores_template_and_annotations(bench: Bench, released: KubernetesDouble) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    before = released.get("Deployment", "api")
    await bench.carry_out(changer, changes)
    await changer.undo(changes[0], f"{KEY}0", bench.directory, Deadline(20), ignore)
    after = released.get("Deployment", "api")
    assert after["spec"]["template"] == before["spec"]["template"]
    assert after["metadata"]["annotations"].get("vq-tui/run") is None
    assert after["metadata"]["annotations"]["kubernetes.io/change-cause"] == "release 1.4.2"
    again = await changer.undo(changes[0], f"{KEY}0", bench.directory, Deadline(20), ignore)
    assert again.text == "the template is as before"


@pytest.mark.parametrize(("kind", "object_kind"), [("statefulset", "StatefulSet"), ("daemonset", "DaemonSet")])
async def test_other_kinds_go_back_by_their_controller_revisions(
    bench: Bench, double: KubernetesDouble, kind: str, object_kind: str
) -> None:
    make = double.statefulset if kind == "statefulset" else double.daemonset
    make("worker", "worker:2.0.0")
    double.rolled_out("worker", kind=object_kind)
    double.release("worker", "worker:2.1.0", kind=object_kind)
    double.rolled_out("worker", kind=object_kind)
    settings = bench.settings(kind, "worker", stateful_data_compatible=True)
    _, changes, changer = await bench.planned(settings, "2.0.0")
    await bench.carry_out(changer, changes)
    assert double.get(object_kind, "worker")["spec"]["template"]["spec"]["containers"][0]["image"] == "worker:2.0.0"


@pytest.mark.parametrize(
    ("point", "state"),
    [("kubernetes.before-patch", ProbeState.NOT_STARTED), ("kubernetes.after-patch", ProbeState.DONE)],
)
async def test_a_crash_around_the_patch_applies_it_once(
    bench: Bench, released: KubernetesDouble, monkeypatch: pytest.MonkeyPatch, point: str, state: ProbeState
) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    await changer.protect(changes[0], KEY, bench.directory)

    def die(name: str) -> None:
        if name == point:
            raise Crashed

    monkeypatch.setattr(change_module, "crashpoint", die)
    with contextlib.suppress(Crashed):
        await changer.act(changes[0], KEY, bench.directory, ignore)
    monkeypatch.setattr(change_module, "crashpoint", lambda _: None)
    fresh = bench.changer(bench.settings())
    assert (await fresh.probe(changes[0], KEY, bench.directory)).state is state
    await fresh.act(changes[0], KEY, bench.directory, ignore)
    await fresh.verify(changes[0], KEY, Deadline(20), ignore)
    assert len(released.writes("deployments", "api")) == 1


async def test_the_plan_holds_no_value_from_the_pod_template(bench: Bench, released: KubernetesDouble) -> None:
    secret = {"spec": {"template": {"spec": {"containers": [
        {"name": "api", "env": [{"name": "PASSWORD", "value": "canary-7f3a"}]}]}}}}  # fmt: skip
    released.edit("Deployment", "api", secret)
    released.rolled_out("api")
    facts, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    evidence = await changer.protect(changes[0], KEY, bench.directory)
    said = facts.model_dump_json() + json.dumps([one.model_dump(mode="json") for one in changes]) + evidence.text
    assert "canary-7f3a" not in said
    kept = bench.directory / f"kubernetes-template-{KEY}.json"
    assert "canary-7f3a" in kept.read_text() and kept.stat().st_mode & 0o077 == 0


async def test_the_way_back_by_hand_reaches_the_right_cluster_and_shows_no_secret(
    bench: Bench, released: KubernetesDouble
) -> None:
    """A person in a hurry has another context current, and everybody on the host can read a command line."""
    secret = {"spec": {"template": {"spec": {"containers": [
        {"name": "api", "env": [{"name": "PASSWORD", "value": "canary-7f3a"}]}]}}}}  # fmt: skip
    released.edit("Deployment", "api", secret)
    released.rolled_out("api")
    before = released.get("Deployment", "api")
    settings = bench.settings()
    _, changes, changer = await bench.planned(settings, "1.4.1")
    await bench.carry_out(changer, changes)
    steps = await changer.manual(changes[0], bench.directory)
    where = f"kubectl --kubeconfig {settings.kubeconfig} --context double -n vq "
    assert all(step.startswith(where) for step in steps) and "canary-7f3a" not in " ".join(steps)
    file = Path(shlex.split(steps[1])[-1])
    assert steps[1] == f"{where}patch deployment/api --type=json --patch-file {file}"
    assert file.stat().st_mode & 0o077 == 0
    writer = KubernetesWriter.of(settings)  # what kubectl sends for this command
    await writer.patch("/apis/apps/v1/namespaces/vq/deployments/api", json.loads(file.read_text()))
    await writer.close()
    assert released.get("Deployment", "api")["spec"]["template"] == before["spec"]["template"]
