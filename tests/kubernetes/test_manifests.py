"""The ready-made roles grant exactly what is asked of the API: each is bound to a user who then does all there is."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from actions.model.errors import Refused
from actions.model.waiting import Deadline
from actions.model.words import Gate
from actions.platforms.kubernetes.rights import needed
from tests.kubernetes.bench import KEY, Bench, at_hand, ignore
from tests.kubernetes.double import KubernetesDouble, Rule

MANIFESTS = Path(__file__).parents[2] / "deploy" / "kubernetes"
WRITING = {"create", "update", "patch", "delete", "deletecollection", "*"}
KINDS = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}
Right = tuple[str, str, str]
OPTIONAL = ("pods/log", "nodes", "horizontalpodautoscalers", "configmaps", "persistentvolumeclaims")
"""What a rollback does without: its absence is said, and refuses nothing."""
METRICS = "metrics.k8s.io"


def rules(*files: str) -> list[Rule]:
    """What the manifests grant, as rules of the double."""
    return [
        Rule(tuple(rule["verbs"]), tuple(rule["resources"]), tuple(rule["apiGroups"]))
        for file in files
        for role in yaml.safe_load_all((MANIFESTS / file).read_text())
        for rule in role["rules"]
    ]


def granted(*files: str) -> set[Right]:
    """Every (verb, group, resource) that the manifests grant."""
    return {
        (verb, group, resource)
        for rule in rules(*files)
        for verb in rule.verbs
        for group in rule.groups
        for resource in rule.resources
    }


@pytest.fixture
def cluster() -> Iterator[KubernetesDouble]:
    """Two releases of a workload of each kind, with metrics, a Service and an autoscaler."""
    with KubernetesDouble(metrics=True) as double:
        double.create({"kind": "ConfigMap", "metadata": {"name": "settings"}})
        double.create({"kind": "PersistentVolumeClaim", "metadata": {"name": "data"}})
        for kind, make in (("deployment", double.deployment), ("statefulset", double.statefulset),
                           ("daemonset", double.daemonset)):  # fmt: skip
            make(kind, "api:1.4.1")
            volumes = [{"name": "settings", "configMap": {"name": "settings"}}]
            volumes += [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]  # type: ignore[dict-item]
            double.edit(KINDS[kind], kind, {"spec": {"template": {"spec": {"volumes": volumes}}}})
            double.service(kind)
        double.autoscaler("deployment")
        for name, kind in KINDS.items():
            double.rolled_out(name, kind=kind)
            double.release(name, "api:1.4.2-bad" if kind == "StatefulSet" else "api:1.4.2", kind=kind)
        double.rolled_out("deployment")
        double.rolled_out("daemonset", kind="DaemonSet")
        double.wait(
            lambda: any("bad" in pod["spec"]["containers"][0]["image"] for pod in double.pods("statefulset")), "stuck"
        )
        yield double


async def look(bench: Bench, kind: str, user: str) -> None:
    """All that a session which changes nothing does."""
    reader = bench.reader(bench.settings(kind, kind, user=user, service=kind))
    facts = await reader.observe()
    while len(facts.at_hand) < 2:
        await asyncio.sleep(0.01)
        facts = await reader.observe()
    assert (await reader.at_hand(at_hand(facts, "1.4.1"))).gate is Gate.PASS
    assert await reader.log_tail(facts.instances[0].id, 5) is not None
    assert {note.id for note in facts.notes if "not known" in note.evidence} == set()


async def roll_back(bench: Bench, kind: str, user: str) -> None:
    """All that a rollback does, its way back included."""
    settings = bench.settings(kind, kind, user=user, service=kind, stateful_data_compatible=True)
    reader = bench.reader(settings)
    assert [check.gate for check in await reader.permissions()] == [Gate.PASS]
    facts, changes, changer = await bench.planned(settings, "1.4.1")
    while kind == "statefulset" and len(changes) < 2:
        await asyncio.sleep(0.01)
        facts = await reader.observe()
        changes = await reader.plan_change(facts, at_hand(facts, "1.4.1"))
    await bench.carry_out(changer, changes)
    for number, change in enumerate(changes):
        await changer.probe(change, f"{KEY}{number}", bench.directory)
    if kind == "statefulset":  # its newer release was never whole: a person is asked first, once
        with pytest.raises(Refused):
            await changer.undo(changes[0], f"{KEY}0", bench.directory, Deadline(20), ignore)
    await changer.undo(changes[0], f"{KEY}0", bench.directory, Deadline(20), ignore)


def used(double: KubernetesDouble, user: str) -> set[Right]:
    """Every right that the requests of this user needed; all of them must have been granted."""
    asked = [one for one in double.requests if one.user == user and one.resource]
    assert not [one for one in asked if one.status == 403]
    return {(one.verb, one.group, one.resource) for one in asked if not one.resource.startswith("selfsubject")}


async def test_the_roles_grant_what_is_used_and_no_more(cluster: KubernetesDouble, tmp_path: Path) -> None:
    cluster.access.add("looks", *rules("viewer.yaml"))
    cluster.access.add("acts", *rules("viewer.yaml", "operator.yaml"))
    benches = {kind: Bench(cluster, tmp_path / kind) for kind in KINDS}
    try:
        for kind in KINDS:
            (tmp_path / kind).mkdir()
        await asyncio.gather(*(look(bench, kind, "looks") for kind, bench in benches.items()))
        await asyncio.gather(*(look(bench, kind, "acts") for kind, bench in benches.items()))
        await asyncio.gather(*(roll_back(bench, kind, "acts") for kind, bench in benches.items()))
    finally:
        for bench in benches.values():
            for one in bench.opened:
                await one.close()
    assert used(cluster, "looks") == granted("viewer.yaml")
    assert used(cluster, "acts") == granted("viewer.yaml", "operator.yaml")
    asked = {right for kind in KINDS for right in needed(benches[kind].settings(kind, kind, service=kind))}
    assert asked == {right for right in used(cluster, "acts") if right[2] not in OPTIONAL and right[1] != METRICS}


def test_a_viewer_may_change_nothing() -> None:
    assert not [right for right in granted("viewer.yaml") if right[0] in WRITING]
