"""What an older release needs to start, and what planning says of a workload that cannot be proved or is going away."""

import asyncio
from typing import Any

import httpx
import pytest

from actions.model.errors import Stale
from actions.model.health import Check
from actions.model.words import Gate
from actions.platforms.kubernetes.driver import KubernetesWorkloadReader
from actions.platforms.kubernetes.parts import workload_part
from actions.platforms.kubernetes.references import references
from tests.kubernetes.bench import Bench, at_hand
from tests.kubernetes.double import KubernetesDouble, Rule

ENV = [{"name": "api", "envFrom": [{"configMapRef": {"name": "old-settings"}}, {"secretRef": {"name": "old-keys"}}]}]


@pytest.fixture
def configured(double: KubernetesDouble) -> KubernetesDouble:
    """Release 1.4.1 needs a ConfigMap and a Secret that release 1.4.2 does not."""
    for kind, name in (("ConfigMap", "old-settings"), ("Secret", "old-keys")):
        double.create({"kind": kind, "metadata": {"name": name}, "data": {"key": "dmFsdWU="}})
    double.deployment("api", "api:1.4.1")
    double.edit("Deployment", "api", {"spec": {"template": {"spec": {"containers": ENV}}}})
    double.rolled_out("api")
    plain = [{"op": "remove", "path": "/spec/template/spec/containers/0/envFrom"}]
    plain.append({"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "api:1.4.2"})  # type: ignore[dict-item]
    double.edit("Deployment", "api", plain)  # type: ignore[arg-type]
    double.rolled_out("api")
    return double


async def ready_for(bench: Bench, version: str = "1.4.1", user: str = "admin") -> Check:
    reader = bench.reader(bench.settings(user=user))
    facts = await reader.observe()
    newest_first = [one for one in facts.at_hand if one.version == version]
    return await reader.at_hand(newest_first[0])


async def test_what_the_target_needs_is_there(bench: Bench, configured: KubernetesDouble) -> None:
    check = await ready_for(bench)
    assert check.gate is Gate.PASS and "its pods need is there" in check.evidence


@pytest.mark.parametrize(("kind", "name"), [("ConfigMap", "old-settings"), ("Secret", "old-keys")])
async def test_what_only_the_target_needs_and_is_gone_fails_readiness(
    bench: Bench, configured: KubernetesDouble, kind: str, name: str
) -> None:
    configured.delete(kind, name)
    check = await ready_for(bench)
    assert check.gate is Gate.FAIL and f"{kind} {name}" in check.evidence and "would not start" in check.evidence


KEYED = {
    "name": "api",
    "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "old-settings", "key": "mode"}}}],
}
PARTS: dict[str, Any] = {
    "key": {"containers": [KEYED]},
    "claim": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "old-data"}}]},
    "pull": {"imagePullSecrets": [{"name": "old-registry"}]},
}


@pytest.mark.parametrize(("part", "named", "gate", "made"), [
    ("key", "key 'mode' of ConfigMap old-settings", Gate.FAIL,
     {"kind": "ConfigMap", "metadata": {"name": "old-settings"}, "data": {"mode": "on"}}),
    ("claim", "PersistentVolumeClaim old-data", Gate.FAIL,
     {"kind": "PersistentVolumeClaim", "metadata": {"name": "old-data"}}),
    ("pull", "Secret old-registry", Gate.INCONCLUSIVE, {"kind": "Secret", "metadata": {"name": "old-registry"}}),
])  # fmt: skip
async def test_keys_claims_and_pull_secrets_are_looked_up(
    bench: Bench, double: KubernetesDouble, monkeypatch: pytest.MonkeyPatch,
    part: str, named: str, gate: Gate, made: dict[str, Any],
) -> None:  # fmt: skip
    monkeypatch.setattr("actions.platforms.kubernetes.references.ASKED_SECONDS", 0.0)
    if part == "key":
        double.create({"kind": "ConfigMap", "metadata": {"name": "old-settings"}, "data": {"other": "x"}})
    containers = [{"name": "api", "image": "api:1.4.1"} | PARTS[part].get("containers", [{}])[0]]
    template = {"metadata": {"labels": {"app": "api"}}, "spec": {**PARTS[part], "containers": containers}}
    double.deployment("api", "api:1.4.1", template=template)
    double.rolled_out("api")
    double.release("api", "api:1.4.2")
    double.rolled_out("api")
    check = await ready_for(bench)
    assert check.gate is gate and named in check.evidence
    double.delete("ConfigMap", "old-settings") if part == "key" else None
    double.create(made)
    assert (await ready_for(bench)).gate is Gate.PASS


async def test_what_may_not_be_looked_up_is_said(
    bench: Bench, configured: KubernetesDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.platforms.kubernetes.references.ASKED_SECONDS", 0.0)
    configured.allow("looker", Rule(verbs=("list", "watch")))
    configured.allow("looker", Rule(verbs=("get",), resources=("configmaps",)))
    check = await ready_for(bench, user="looker")
    assert check.gate is Gate.PASS and "not known whether Secret old-keys is there" in check.evidence
    configured.access.identity("looker").rules.pop()
    check = await ready_for(bench, user="looker")
    while "ConfigMap" not in check.evidence:
        check = await ready_for(bench, user="looker")
    assert check.gate is Gate.INCONCLUSIVE and "get on configmaps" in check.advice


async def test_no_value_of_a_secret_is_asked_for(bench: Bench, configured: KubernetesDouble) -> None:
    await ready_for(bench)
    path = "/api/v1/namespaces/vq/secrets/old-keys"
    (asked,) = [one for one in configured.requests if one.path == path]
    assert asked.status == 200
    headers = {"Authorization": f"Bearer {configured.access.token('admin')}"}
    headers["Accept"] = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    body = httpx.get(configured.url + path, headers=headers, trust_env=False).json()
    assert body["kind"] == "PartialObjectMetadata" and "data" not in body
    assert asked.accept == headers["Accept"]


def test_references_that_are_optional_somewhere_and_needed_elsewhere_are_needed() -> None:
    source = {"configMapRef": {"name": "a", "optional": True}}
    needed = {"valueFrom": {"configMapKeyRef": {"name": "a", "key": "k"}}}
    projected = {"projected": {"sources": [{"secret": {"name": "s", "optional": True}}]}}
    spec = {"containers": [{"envFrom": [source], "env": [needed]}], "volumes": [projected]}
    assert [(str(one), one.optional) for one in references({"spec": spec})] == [
        ("ConfigMap a", False),
        ("Secret s", True),
    ]


async def noted(reader: KubernetesWorkloadReader, wanted: str) -> Check:
    async with asyncio.timeout(15):
        while True:
            found = [one for one in (await reader.observe()).notes if one.id == wanted]
            if found:
                return found[0]
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("service", "gate"), [("api", Gate.FAIL), (None, Gate.INCONCLUSIVE)])
async def test_size_0_is_said_to_be_beyond_proof(
    bench: Bench, released: KubernetesDouble, service: str | None, gate: Gate
) -> None:
    released.edit("Deployment", "api", {"spec": {"replicas": 0}})
    note = await noted(bench.reader(bench.settings(service=service)), "size")
    assert note.gate is gate and "scale deployment/api --replicas=1" in note.advice


async def test_a_rollout_of_size_0_ends_without_endpoints(bench: Bench, released: KubernetesDouble) -> None:
    released.edit("Deployment", "api", {"spec": {"replicas": 0}})
    released.rolled_out("api")
    settings = bench.settings(service="api")
    await noted(bench.reader(settings), "size")
    _, changes, changer = await bench.planned(settings, "1.4.1")
    assert "size 0: nothing runs" in await bench.carry_out(changer, changes)


async def test_a_workload_that_is_being_deleted_is_said_to_be(bench: Bench, stepped: KubernetesDouble) -> None:
    stepped.deployment("api", "api:1.4.1")
    stepped.rolled_out("api")
    stepped.release("api", "api:1.4.2")
    stepped.rolled_out("api")
    stepped_bench = Bench(stepped, bench.directory)
    settings = stepped_bench.settings()
    facts, changes, changer = await stepped_bench.planned(settings, "1.4.1")
    headers = {"Authorization": f"Bearer {stepped.access.token('admin')}"}
    path = f"{stepped.url}/apis/apps/v1/namespaces/vq/deployments/api"
    httpx.request("DELETE", path, headers=headers, json={"propagationPolicy": "Foreground"}, trust_env=False)
    reader = stepped_bench.reader(settings)
    note = await noted(reader, "deleted")
    facts = await reader.observe()
    assert note.gate is Gate.FAIL and "being deleted since" in facts.rolling
    with pytest.raises(Stale, match="being deleted"):
        await changer.check(changes[0])
    for one in stepped_bench.opened:
        await one.close()


async def test_who_applies_the_template_on_the_servers_side_is_told_of_the_conflict(
    bench: Bench, released: KubernetesDouble
) -> None:
    """The note is true: after the rollback the next apply of the same manifest is refused with 409."""
    spec = released.get("Deployment", "api")["spec"]
    config = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": spec}
    headers = {"Authorization": f"Bearer {released.access.token('admin')}"}
    headers["Content-Type"] = "application/apply-patch+yaml"
    path = f"{released.url}/apis/apps/v1/namespaces/vq/deployments/api"

    def apply() -> int:
        query = {"fieldManager": "deployer"}
        return httpx.patch(path, params=query, json=config, headers=headers, trust_env=False).status_code

    assert apply() == 200
    settings = bench.settings()
    note = await noted(bench.reader(settings), "server-side-apply")
    assert "deployer" in note.evidence and "--force-conflicts" in note.advice
    _, changes, changer = await bench.planned(settings, "1.4.1")
    await bench.carry_out(changer, changes)
    assert apply() == 409


@pytest.mark.parametrize(("operation", "fields", "applies"), [
    ("Apply", {"f:spec": {"f:template": {}}}, True),
    ("Apply", {"f:metadata": {}}, False),
    ("Update", {"f:spec": {"f:template": {}}}, True),
])  # fmt: skip
def test_of_field_managers_the_part_is_kept_that_is_read(operation: str, fields: dict[str, Any], applies: bool) -> None:
    entry = {"manager": "m", "operation": operation, "fieldsV1": fields, "time": "x"}
    (kept,) = workload_part({"metadata": {"managedFields": [entry]}})["metadata"]["managedFields"]
    assert kept == {"manager": "m", "operation": operation, "template": applies}


async def test_only_the_image_that_a_node_lacks_is_named(bench: Bench, double: KubernetesDouble) -> None:
    containers = [{"name": "api", "image": "api:1.4.1"}, {"name": "proxy", "image": "proxy:1"}]
    template = {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": containers}}
    double.deployment("api", "api:1.4.1", template=template)
    double.rolled_out("api")
    double.release("api", "api:1.4.2")
    double.rolled_out("api")
    node = {"kind": "Node", "metadata": {"name": "z-new"}, "status": {"images": [{"names": ["proxy:1"]}]}}
    double.create(node)
    reader = bench.reader(bench.settings())
    facts = await reader.observe()
    check = await reader.at_hand(at_hand(facts, "1.4.1"))
    assert "on 1 of 2 nodes" in check.evidence
    assert "api:1.4.1" in check.advice and "proxy:1" not in check.advice
