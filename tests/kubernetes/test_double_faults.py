"""Faults between client and API, through the real client."""

import threading

import pytest
import urllib3
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from tests.kubernetes.double import Answer, Delay, KubernetesDouble, Reset

PATCH = {"spec": {"replicas": 3}}


@pytest.fixture
def apps(double: KubernetesDouble) -> client.AppsV1Api:
    double.deployment("api", "virtualqueue-api:1.4.1")
    double.rolled_out("api")
    return client.AppsV1Api(double.client())


def replicas(double: KubernetesDouble) -> int:
    return int(double.get("Deployment", "api")["spec"]["replicas"])


@pytest.mark.parametrize("code", [409, 429, 500, 503])
def test_an_answer_instead_of_the_effect(double: KubernetesDouble, apps: client.AppsV1Api, code: int) -> None:
    double.inject(Answer(code, retry_after=1), verb="patch", resource="deployments")
    with pytest.raises(ApiException) as refused:
        apps.patch_namespaced_deployment("api", "vq", PATCH)
    assert refused.value.status == code
    assert refused.value.headers["Retry-After"] == "1"
    assert (replicas(double), double.writes()) == (2, [])
    apps.patch_namespaced_deployment("api", "vq", PATCH)
    assert (replicas(double), len(double.writes("deployments", "api"))) == (3, 1)


def test_a_reset_before_the_effect(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    double.inject(Reset(), verb="patch")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        apps.patch_namespaced_deployment("api", "vq", PATCH)
    assert (replicas(double), double.writes()) == (2, [])


def test_a_reset_after_the_effect(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    double.inject(Reset(applied=True), verb="patch")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        apps.patch_namespaced_deployment("api", "vq", PATCH)
    assert replicas(double) == 3
    (one,) = double.writes("deployments")
    assert (one.status, one.method, one.content_type) == (0, "PATCH", "application/strategic-merge-patch+json")


def test_a_fault_may_spare_the_dry_run_and_the_first_request(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    double.inject(Answer(500), verb="patch", dry_run=False, after=1)
    apps.patch_namespaced_deployment("api", "vq", PATCH, dry_run="All")
    apps.patch_namespaced_deployment("api", "vq", PATCH)
    with pytest.raises(ApiException):
        apps.patch_namespaced_deployment("api", "vq", {"spec": {"replicas": 4}})
    assert replicas(double) == 3


def test_a_delayed_answer_runs_into_the_client_s_timeout(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    double.inject(Delay(1.0), verb="patch")
    with pytest.raises(urllib3.exceptions.HTTPError):
        apps.patch_namespaced_deployment("api", "vq", PATCH, _request_timeout=(3, 0.2))
    double.wait(lambda: replicas(double) == 3, "the late effect")
    assert len(double.writes("deployments")) == 1


def test_the_api_goes_down_and_comes_back_while_the_cluster_goes_on(
    double: KubernetesDouble, apps: client.AppsV1Api
) -> None:
    double.down()
    apps.api_client.configuration.retries = False
    with pytest.raises(urllib3.exceptions.HTTPError):
        apps.list_namespaced_deployment("vq", _request_timeout=2)
    double.release("api", "virtualqueue-api:1.4.2")
    double.rolled_out("api")
    double.up()
    live = client.AppsV1Api(double.client()).read_namespaced_deployment("api", "vq")
    assert live.spec.template.spec.containers[0].image == "virtualqueue-api:1.4.2"


def test_a_closed_double_leaves_nothing_running() -> None:
    before = set(threading.enumerate())
    with KubernetesDouble() as double:
        double.deployment("api", "virtualqueue-api:1.4.1")
        double.serve_application("api")
        double.rolled_out("api")
        assert set(threading.enumerate()) - before
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=5)
        assert not thread.is_alive()


def test_a_controller_that_fails_fails_the_test(double: KubernetesDouble) -> None:
    double.deployment("api", "virtualqueue-api:1.4.1")
    double.rolled_out("api")
    broken = RuntimeError("broken")

    def fail(template: object) -> str:
        raise broken

    double.cluster.names.hash_of = fail
    double.release("api", "virtualqueue-api:1.4.2")
    with pytest.raises(RuntimeError, match="a controller of the double has failed"):
        double.rolled_out("api")
    assert double.cluster.failure is broken
    double.cluster.failure = None
