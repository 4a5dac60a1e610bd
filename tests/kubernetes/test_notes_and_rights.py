"""What planning says about a workload, and which rights it asks for."""

import asyncio

import pytest

from actions.model.errors import Refused
from actions.model.platform import Artefact
from actions.model.words import Gate
from tests.kubernetes.bench import Bench
from tests.kubernetes.double import Answer, KubernetesDouble, Rule


async def test_a_statefulset_owns_data_and_asks_for_it_to_be_compatible(bench: Bench, double: KubernetesDouble) -> None:
    double.statefulset("worker", "worker:2.0.0")
    double.rolled_out("worker", kind="StatefulSet")
    facts = await bench.reader(bench.settings("statefulset", "worker")).observe()
    assert [(note.id, note.gate) for note in facts.notes if note.id == "data"] == [("data", Gate.FAIL)]


async def test_34_a_paused_deployment_is_refused_in_planning(bench: Bench, released: KubernetesDouble) -> None:
    released.edit("Deployment", "api", {"spec": {"paused": True}})
    facts = await bench.reader(bench.settings()).observe()
    (note,) = [note for note in facts.notes if note.id == "paused"]
    assert note.gate is Gate.FAIL
    assert "--context double -n vq rollout resume deployment/api" in note.advice


async def test_35_a_viewer_is_told_the_missing_verb_before_anything_happens(
    bench: Bench, released: KubernetesDouble
) -> None:
    reader = bench.reader(bench.settings(user="viewer"))
    checks = await reader.permissions()
    assert [check.gate for check in checks] == [Gate.FAIL]
    assert "patch deployments" in checks[0].evidence
    granted = await bench.reader(bench.settings()).permissions()
    assert [check.gate for check in granted] == [Gate.PASS]


async def test_owners_and_kubectl_apply_are_said(bench: Bench, released: KubernetesDouble) -> None:
    notes = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "argocd.argoproj.io/tracking-id": "x"}
    released.edit("Deployment", "api", {"metadata": {"annotations": notes}})
    facts = await bench.reader(bench.settings()).observe()
    while not {"owner", "last-applied"} <= {note.id for note in facts.notes}:
        facts = await bench.reader(bench.settings()).observe()
    assert any("Argo CD" in note.evidence for note in facts.notes)


async def test_no_revision_to_go_back_to_is_said(bench: Bench, double: KubernetesDouble) -> None:
    double.deployment("api", "api:1.4.1")
    double.rolled_out("api")
    facts = await bench.reader(bench.settings()).observe()
    assert [note.id for note in facts.notes if note.id == "history"] == ["history"]
    gone = Artefact(version="1.4.0", reference="0" * 64)
    reader = bench.reader(bench.settings())
    assert (await reader.at_hand(gone)).gate is Gate.FAIL
    with pytest.raises(Refused, match="keeps no revision of 1.4.0"):
        await reader.plan_change(facts, gone)


async def test_configuration_that_does_not_come_back_is_named(bench: Bench, released: KubernetesDouble) -> None:
    parts = {"volumes": [{"name": "c", "configMap": {"name": "api-settings"}}]}
    env = [{"name": "api", "envFrom": [{"secretRef": {"name": "api-keys"}}]}]
    released.edit("Deployment", "api", {"spec": {"template": {"spec": parts | {"containers": env}}}})
    facts = await bench.reader(bench.settings()).observe()
    said = [note.evidence for note in facts.notes if note.id == "configuration"]
    assert said == ["a rollback does not bring back ConfigMap api-settings, Secret api-keys"]


async def test_rights_are_asked_once_for_all_services_of_a_namespace(bench: Bench, released: KubernetesDouble) -> None:
    readers = [bench.reader(bench.settings()) for _ in range(10)]
    await asyncio.gather(*(reader.permissions() for reader in readers))
    asked = [one for one in released.requests if one.resource.startswith("selfsubject")]
    assert [one.resource for one in asked] == ["selfsubjectrulesreviews"]


async def test_rights_that_the_rules_do_not_settle_are_asked_for_one_by_one(
    bench: Bench, released: KubernetesDouble
) -> None:
    """What an authorizer refuses that knows no roles stands in no list of rules, and that list says so."""
    released.deny("admin", Rule(verbs=("patch",), resources=("deployments",)))
    (check,) = await bench.reader(bench.settings()).permissions()
    assert check.gate is Gate.FAIL and check.evidence == "not granted: patch deployments"
    asked = [one for one in released.requests if one.path.endswith("selfsubjectaccessreviews")]
    assert len(asked) == 10


async def test_a_server_that_tells_no_rules_is_asked_for_each_right(bench: Bench, released: KubernetesDouble) -> None:
    released.inject(Answer(403, "Forbidden"), resource="selfsubjectrulesreviews", times=None)
    (check,) = await bench.reader(bench.settings()).permissions()
    assert check.gate is Gate.PASS
    assert [one for one in released.requests if one.path.endswith("selfsubjectaccessreviews")]


async def test_a_right_to_this_one_workload_is_enough(bench: Bench, released: KubernetesDouble) -> None:
    """Roles may name the objects (resourceNames): asked about all of them, the answer would be no."""
    released.allow("narrow", Rule(verbs=("list", "watch")))
    released.allow("narrow", Rule(verbs=("get",), resources=("pods", "replicasets")))
    released.allow("narrow", Rule(verbs=("get", "patch"), resources=("deployments",), names=("api",)))
    (granted,) = await bench.reader(bench.settings(user="narrow")).permissions()
    assert granted.gate is Gate.PASS
    (other,) = await bench.reader(bench.settings(user="narrow", name="web")).permissions()
    assert other.evidence == "not granted: get deployments, patch deployments"
