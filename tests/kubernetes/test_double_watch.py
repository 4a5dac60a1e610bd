"""Watches through the real client: a rollout seen, 410 and relist, timeouts, selectors, cuts."""

import threading
from collections.abc import Iterator

import pytest
import urllib3
from kubernetes import client, watch
from kubernetes.client.exceptions import ApiException

from tests.kubernetes.double import Answer, KubernetesDouble


@pytest.fixture
def apps(double: KubernetesDouble) -> client.AppsV1Api:
    double.deployment("api", "virtualqueue-api:1.4.1")
    double.rolled_out("api")
    return client.AppsV1Api(double.client())


def test_a_watch_sees_the_rollout_from_where_the_list_ended(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    listed = apps.list_namespaced_deployment("vq")
    double.release("api", "virtualqueue-api:1.4.2")
    counts: list[tuple[int, int]] = []
    stream = watch.Watch()
    query = {"resource_version": listed.metadata.resource_version, "timeout_seconds": 20}
    for event in stream.stream(apps.list_namespaced_deployment, "vq", **query):
        assert event["type"] == "MODIFIED"
        status = event["object"].status
        counts.append((status.observed_generation, status.updated_replicas or 0))
        if status.observed_generation == 2 and status.replicas == status.updated_replicas == 2:
            stream.stop()
    assert counts == sorted(counts)
    assert (1, 2) in counts and counts[-1] == (2, 2)


def test_a_place_in_forgotten_history_is_gone_and_a_relist_goes_on(
    double: KubernetesDouble, apps: client.AppsV1Api
) -> None:
    old = apps.list_namespaced_deployment("vq").metadata.resource_version
    double.release("api", "virtualqueue-api:1.4.2")
    double.rolled_out("api")
    double.compact()
    with pytest.raises(ApiException) as gone:
        list(watch.Watch().stream(apps.list_namespaced_deployment, "vq", resource_version=old, timeout_seconds=5))
    assert gone.value.status == 410
    fresh = apps.list_namespaced_deployment("vq").metadata.resource_version
    double.edit("Deployment", "api", {"spec": {"replicas": 3}})
    stream = watch.Watch()
    for event in stream.stream(apps.list_namespaced_deployment, "vq", resource_version=fresh, timeout_seconds=20):
        assert event["object"].spec.replicas == 3
        stream.stop()


def test_410_by_order_on_a_watch_and_on_a_list(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    double.inject(Answer(410), verb="watch", resource="deployments")
    double.inject(Answer(410), verb="list", resource="deployments")
    with pytest.raises(ApiException) as gone:
        list(watch.Watch().stream(apps.list_namespaced_deployment, "vq", timeout_seconds=5))
    assert gone.value.status == 410
    with pytest.raises(ApiException) as gone:
        apps.list_namespaced_deployment("vq")
    assert gone.value.status == 410


def test_the_server_ends_a_watch_at_its_timeout_with_a_bookmark(apps: client.AppsV1Api) -> None:
    listed = apps.list_namespaced_deployment("vq").metadata.resource_version
    query = {"resource_version": listed, "timeout_seconds": 1, "allow_watch_bookmarks": True}
    events = list(watch.Watch().stream(apps.list_namespaced_deployment, "vq", **query))
    assert [event["type"] for event in events] == ["BOOKMARK"]


def test_an_object_that_leaves_the_selection_is_deleted_for_the_watch(
    double: KubernetesDouble, apps: client.AppsV1Api
) -> None:
    double.edit("Deployment", "api", {"metadata": {"labels": {"tier": "web"}}})
    listed = apps.list_namespaced_deployment("vq").metadata.resource_version
    double.edit("Deployment", "api", {"metadata": {"labels": {"tier": "batch"}}})
    double.delete("Deployment", "api")
    query = {"resource_version": listed, "timeout_seconds": 1}
    seen = watch.Watch().stream(apps.list_namespaced_deployment, "vq", label_selector="tier=web", **query)
    assert [event["type"] for event in seen] == ["DELETED"]


def follow(apps: client.AppsV1Api, seen: list[str], error: list[BaseException]) -> Iterator[None]:
    try:
        for event in watch.Watch().stream(apps.list_namespaced_deployment, "vq", timeout_seconds=60):
            seen.append(event["type"])
    except urllib3.exceptions.HTTPError as broken:
        error.append(broken)
    yield


def test_a_cut_connection_breaks_the_watch(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    seen: list[str] = []
    error: list[BaseException] = []
    thread = threading.Thread(target=lambda: list(follow(apps, seen, error)))
    thread.start()
    double.wait(lambda: seen == ["ADDED"], "the watch to begin")
    double.drop_connections()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert error, "the client must see a break, not an orderly end"
    assert apps.list_namespaced_deployment("vq").items


def test_in_a_quiet_cluster_no_controller_runs(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    double.wait(lambda: len(double.pods("api")) == 2, "the rollout to end")
    list(watch.Watch().stream(apps.list_namespaced_deployment, "vq", timeout_seconds=1))
    before = (double.cluster.steps, double.cluster.store.version)
    list(watch.Watch().stream(apps.list_namespaced_deployment, "vq", timeout_seconds=1))
    assert (double.cluster.steps, double.cluster.store.version) == before
