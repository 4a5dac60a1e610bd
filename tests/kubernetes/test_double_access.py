"""Users, rights, kubeconfigs, leases, lists: through the real client."""

import json
from pathlib import Path

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from tests.kubernetes.double import KubernetesDouble, Rule


def may(double: KubernetesDouble, identity: str, verb: str, resource: str, group: str = "", **more: str) -> bool:
    attributes = client.V1ResourceAttributes(verb=verb, resource=resource, group=group, namespace="vq", **more)
    review = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes))
    api = client.AuthorizationV1Api(double.client(identity))
    return bool(api.create_self_subject_access_review(review).status.allowed)


def test_a_viewer_reads_and_may_not_write(double: KubernetesDouble) -> None:
    double.deployment("api", "virtualqueue-api:1.4.1")
    apps = client.AppsV1Api(double.client("viewer"))
    assert apps.list_namespaced_deployment("vq").items[0].metadata.name == "api"
    with pytest.raises(ApiException) as refused:
        apps.patch_namespaced_deployment("api", "vq", {"spec": {"replicas": 0}})
    assert refused.value.status == 403
    assert (
        'User "viewer" cannot patch resource "deployments" in API group "apps"'
        in json.loads(refused.value.body)["message"]
    )
    assert may(double, "viewer", "list", "deployments", "apps")
    assert not may(double, "viewer", "patch", "deployments", "apps")
    assert double.writes() == []


def test_rights_are_given_and_taken_by_verb_resource_and_namespace(double: KubernetesDouble) -> None:
    double.allow("deployer", Rule(verbs=("patch",), resources=("deployments",), groups=("apps",), namespaces=("vq",)))
    assert may(double, "deployer", "patch", "deployments", "apps")
    assert not may(double, "deployer", "get", "deployments", "apps")
    assert not may(double, "deployer", "patch", "deployments", "apps", subresource="scale")
    double.deny("admin", Rule(verbs=("delete",), resources=("pods",)))
    assert not may(double, "admin", "delete", "pods")
    assert may(double, "admin", "get", "pods")


def test_a_namespace_without_rights(double: KubernetesDouble) -> None:
    double.deny("admin", Rule(namespaces=("secret",)))
    with pytest.raises(ApiException) as refused:
        client.AppsV1Api(double.client()).list_namespaced_deployment("secret")
    assert (refused.value.status, 'in the namespace \\"secret\\"' in refused.value.body) == (403, True)


def test_an_expired_token_is_unauthorized_until_renewed(double: KubernetesDouble) -> None:
    version = client.VersionApi(double.client())
    assert version.get_code().minor == "36"
    double.access.expire("admin")
    with pytest.raises(ApiException) as refused:
        version.get_code()
    assert refused.value.status == 401
    double.access.renew("admin")
    assert version.get_code().minor == "36"


def test_kubeconfig_with_two_contexts(double: KubernetesDouble, tmp_path: Path) -> None:
    path = double.kubeconfig(tmp_path / "config", "admin", "production")
    double.kubeconfig(path, "viewer", "reading")
    contexts, current = config.list_kube_config_contexts(str(path))
    assert [one["name"] for one in contexts] == ["production", "reading"]
    assert current["name"] == "reading"
    core = client.CoreV1Api(config.new_client_from_config(str(path), "production"))
    assert core.read_namespace("kube-system").metadata.uid == double.cluster_uid()
    reading = client.CoreV1Api(config.new_client_from_config(str(path), "reading"))
    with pytest.raises(ApiException) as refused:
        reading.delete_namespaced_pod("any", "vq")
    assert refused.value.status == 403


async def test_the_client_of_asyncio(double: KubernetesDouble, tmp_path: Path) -> None:
    from kubernetes.aio import client as aio
    from kubernetes.aio import config as aio_config

    double.deployment("api", "virtualqueue-api:1.4.1")
    path = double.kubeconfig(tmp_path / "config")
    configuration = aio.Configuration()
    await aio_config.load_kube_config(str(path), client_configuration=configuration)
    async with aio.ApiClient(configuration) as api:
        found = await aio.AppsV1Api(api).list_namespaced_deployment("vq")
    assert [one.metadata.name for one in found.items] == ["api"]


def test_a_lease_is_taken_once_and_renewed_by_version(double: KubernetesDouble) -> None:
    leases = client.CoordinationV1Api(double.client())
    lease = client.V1Lease(metadata=client.V1ObjectMeta(name="vq"), spec=client.V1LeaseSpec(holder_identity="a"))
    held = leases.create_namespaced_lease("vq", lease)
    with pytest.raises(ApiException) as taken:
        leases.create_namespaced_lease("vq", lease)
    assert taken.value.status == 409
    held.spec.holder_identity = "b"
    leases.replace_namespaced_lease("vq", "vq", held)
    with pytest.raises(ApiException) as stale:
        leases.replace_namespaced_lease("vq", "vq", held)
    assert stale.value.status == 409
    with pytest.raises(ApiException) as unversioned:
        leases.replace_namespaced_lease("vq", "vq", lease)
    assert unversioned.value.status == 422


def test_selectors_and_pages(double: KubernetesDouble) -> None:
    for name in ("a", "b", "c"):
        double.deployment(name, "x:1", replicas=1)
        double.rolled_out(name)
    core = client.CoreV1Api(double.client())

    def apps_of(**query: object) -> list[str]:
        return [pod.metadata.labels["app"] for pod in core.list_namespaced_pod("vq", **query).items]

    assert apps_of(label_selector="app in (a,c)") == ["a", "c"]
    assert apps_of(label_selector="app!=a,!absent") == ["b", "c"]
    assert apps_of(field_selector="status.phase!=Running") == []
    page = core.list_namespaced_pod("vq", limit=2)
    assert page.metadata.remaining_item_count == 1
    rest = core.list_namespaced_pod("vq", limit=2, _continue=page.metadata._continue)
    assert (len(page.items), len(rest.items)) == (2, 1)
