"""Pods that hold up an ordered StatefulSet: which are deleted, by their uid, and which never."""

import asyncio

import pytest

from actions.clients.kubernetes_api import KubernetesWriter
from actions.model.errors import Refused, Stale
from actions.model.platform import Change
from actions.model.words import ProbeState
from actions.platforms.kubernetes.revisions import reference
from tests.kubernetes.bench import KEY, Bench, at_hand, ignore
from tests.kubernetes.double import Answer, KubernetesDouble


async def stuck_plan(bench: Bench, double: KubernetesDouble) -> tuple[Change, ...]:
    """The plan back to 2.0.0, while the highest pod of 2.1.0-bad never turns ready."""
    double.statefulset("worker", "worker:2.0.0")
    double.rolled_out("worker", kind="StatefulSet")
    double.release("worker", "worker:2.1.0-bad", kind="StatefulSet")
    double.wait(
        lambda: any("bad" in pod["spec"]["containers"][0]["image"] for pod in double.pods("worker")), "a bad pod"
    )
    reader = bench.reader(bench.settings("statefulset", "worker", stateful_data_compatible=True))
    facts = await reader.observe()
    while not any(note.id == "stuck" for note in facts.notes):
        await asyncio.sleep(0.01)
        facts = await reader.observe()
    return await reader.plan_change(facts, at_hand(facts, "2.0.0"))


def deletion(double: KubernetesDouble, uid: str = "") -> Change:
    """The change that deletes worker-0, planned for the template that stands; `uid` for another pod than that."""
    held, pod = double.get("StatefulSet", "worker"), double.pods("worker")[0]["metadata"]
    params = {"uid": held["metadata"]["uid"], "target": reference(held["spec"]["template"]), "version": "2.0.0"}
    pods = [{"name": pod["name"], "uid": uid or pod["uid"]}]
    return Change(slot="main", action="delete-stuck-pods", title="", subject="", params=params | {"pods": pods})


def deleted(double: KubernetesDouble) -> list[str]:
    return [one.name for one in double.writes("pods") if one.verb == "delete"]


async def test_36_a_stuck_statefulset_pod_is_deleted_by_its_uid(bench: Bench, double: KubernetesDouble) -> None:
    changes = await stuck_plan(bench, double)
    assert [change.action for change in changes] == ["set-template", "delete-stuck-pods"]
    settings = bench.settings("statefulset", "worker", stateful_data_compatible=True)
    await bench.carry_out(bench.changer(settings), changes)
    assert all(pod["spec"]["containers"][0]["image"] == "worker:2.0.0" for pod in double.pods("worker"))


async def test_36_a_busy_server_is_asked_again(bench: Bench, double: KubernetesDouble, hurried: None) -> None:
    set_template, delete = await stuck_plan(bench, double)
    changer = bench.changer(bench.settings("statefulset", "worker"))
    await changer.protect(set_template, KEY, bench.directory)
    await changer.act(set_template, KEY, bench.directory, ignore)
    double.inject(Answer(503), verb="get", resource="statefulsets")
    double.inject(Answer(429, retry_after=0), verb="get", resource="pods")
    double.inject(Answer(429, retry_after=0), verb="delete", resource="pods")
    assert (await changer.act(delete, KEY, bench.directory, ignore)).text == "1 stuck pods deleted"
    assert deleted(double) == ["worker-1"]


async def test_36_a_pod_made_anew_while_it_is_deleted_is_gone(
    bench: Bench, double: KubernetesDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 409 says that the name stands for another pod by now: the planned one is gone, and that is what was wanted."""
    set_template, delete = await stuck_plan(bench, double)
    changer, real = bench.changer(bench.settings("statefulset", "worker")), KubernetesWriter.delete
    await changer.protect(set_template, KEY, bench.directory)
    await changer.act(set_template, KEY, bench.directory, ignore)

    async def overtaken(self: KubernetesWriter, path: str, uid: str) -> None:
        double.delete("Pod", "worker-1")
        double.wait(lambda: "worker-1" in {pod["metadata"]["name"] for pod in double.pods("worker")}, "another one")
        with pytest.raises(Stale, match="409"):
            await real(self, path, uid)
        await real(self, path, uid)

    monkeypatch.setattr(KubernetesWriter, "delete", overtaken)
    await changer.act(delete, KEY, bench.directory, ignore)
    assert not deleted(double)


async def test_36_a_conflict_on_the_pod_that_still_stands_is_an_error(bench: Bench, double: KubernetesDouble) -> None:
    set_template, delete = await stuck_plan(bench, double)
    changer = bench.changer(bench.settings("statefulset", "worker"))
    await changer.protect(set_template, KEY, bench.directory)
    await changer.act(set_template, KEY, bench.directory, ignore)
    double.inject(Answer(409), verb="delete", resource="pods")
    with pytest.raises(Stale):
        await changer.act(delete, KEY, bench.directory, ignore)


async def test_36_pods_made_from_the_target_already_are_never_deleted(bench: Bench, double: KubernetesDouble) -> None:
    """Healthy but for a moment: deleting them would take away what the rollback is to bring back."""
    double.statefulset("worker", "worker:2.0.0", replicas=1)
    double.rolled_out("worker", kind="StatefulSet")
    double.disturb(lambda images: images.sick.add("worker:2.0.0"))
    double.wait(lambda: not double.get("StatefulSet", "worker")["status"].get("readyReplicas"), "a pod not ready")
    changer, said = bench.changer(bench.settings("statefulset", "worker")), list[str]()
    change = deletion(double)
    await changer.act(change, KEY, bench.directory, said.append)
    assert said == ["worker-0 is made from 2.0.0 already and stays"] and not deleted(double)
    assert (await changer.probe(change, KEY, bench.directory)).state is ProbeState.DONE


async def test_36_no_deletion_is_planned_of_pods_of_the_release_to_go_back_to(
    bench: Bench, double: KubernetesDouble
) -> None:
    double.statefulset("worker", "worker:2.0.0", replicas=2)
    double.rolled_out("worker", kind="StatefulSet")
    double.disturb(lambda images: images.sick.add("worker:2.0.0"))
    double.wait(lambda: not double.get("StatefulSet", "worker")["status"].get("readyReplicas"), "pods not ready")
    double.release("worker", "worker:2.1.0", kind="StatefulSet")
    settings = bench.settings("statefulset", "worker", stateful_data_compatible=True)
    facts, changes, _ = await bench.planned(settings, "2.0.0", "2.1.0")
    assert [change.action for change in changes] == ["set-template"]
    assert any(note.evidence.startswith("not ready") for note in facts.notes if note.id == "stuck")


async def test_36_a_pod_made_anew_meanwhile_is_not_deleted(bench: Bench, double: KubernetesDouble) -> None:
    double.statefulset("worker", "worker:2.0.0", replicas=1)
    double.rolled_out("worker", kind="StatefulSet")
    changer = bench.changer(bench.settings("statefulset", "worker"))
    await changer.act(deletion(double, "another"), KEY, bench.directory, ignore)
    assert not deleted(double)


async def test_36_a_pod_that_turned_ready_meanwhile_is_not_deleted(bench: Bench, double: KubernetesDouble) -> None:
    double.statefulset("worker", "worker:2.0.0", replicas=1)
    double.rolled_out("worker", kind="StatefulSet")
    changer, said = bench.changer(bench.settings("statefulset", "worker")), list[str]()
    await changer.act(deletion(double), KEY, bench.directory, said.append)
    assert said == ["worker-0 turned ready by itself and stays"]
    assert not deleted(double)
    assert (await changer.probe(deletion(double), KEY, bench.directory)).state is ProbeState.DONE


async def test_36_nothing_is_deleted_once_somebody_else_set_another_template(
    bench: Bench, double: KubernetesDouble
) -> None:
    _, delete = await stuck_plan(bench, double)
    with pytest.raises(Refused, match="does not ask for 2.0.0 any more"):
        await bench.changer(bench.settings("statefulset", "worker")).check(delete)
