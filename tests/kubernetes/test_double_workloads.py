"""Laws of StatefulSets, DaemonSets, services and what pods serve, through the real client."""

import httpx
import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from tests.kubernetes.double import KubernetesDouble


def image_of(pod: dict) -> str:  # type: ignore[type-arg]
    return str(pod["spec"]["containers"][0]["image"])


def test_a_stateful_set_goes_back_by_its_controller_revision(double: KubernetesDouble) -> None:
    double.statefulset("worker", "worker:1", replicas=3)
    double.rolled_out("worker", "StatefulSet")
    double.release("worker", "worker:2", kind="StatefulSet")
    live = double.rolled_out("worker", "StatefulSet")
    apps = client.AppsV1Api(double.client())
    held = {one.revision: one for one in apps.list_namespaced_controller_revision("vq").items}
    assert held[1].data["spec"]["template"]["$patch"] == "replace"
    pinned = {key: live["metadata"][key] for key in ("resourceVersion", "uid")}
    apps.patch_namespaced_stateful_set("worker", "vq", {"metadata": pinned, **held[1].data})
    live = double.rolled_out("worker", "StatefulSet")
    assert live["status"]["updateRevision"] == held[1].metadata.name
    held = {one.metadata.name: one.revision for one in apps.list_namespaced_controller_revision("vq").items}
    assert sorted(held.values()) == [2, 3]
    assert {image_of(pod) for pod in double.pods("worker")} == {"worker:1"}


def test_an_ordered_set_stays_stuck_on_a_bad_pod_until_it_is_deleted(double: KubernetesDouble) -> None:
    double.statefulset("worker", "worker:1", replicas=2)
    double.rolled_out("worker", "StatefulSet")
    double.release("worker", "worker:2-bad", kind="StatefulSet")
    core = client.CoreV1Api(double.client())

    def stuck() -> bool:
        return any(
            image_of(pod) == "worker:2-bad" and "containerStatuses" in pod["status"] for pod in double.pods("worker")
        )

    double.wait(stuck, "the bad pod")
    double.release("worker", "worker:1", kind="StatefulSet")
    double.wait(lambda: double.get("StatefulSet", "worker")["status"]["observedGeneration"] == 3, "observed")
    bad = next(pod for pod in double.pods("worker") if image_of(pod) == "worker:2-bad")["metadata"]
    assert bad["name"] == "worker-1"
    with pytest.raises(ApiException) as refused:
        options = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid="another"))
        core.delete_namespaced_pod(bad["name"], "vq", body=options)
    assert refused.value.status == 409
    options = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid=bad["uid"]))
    core.delete_namespaced_pod(bad["name"], "vq", body=options)
    double.rolled_out("worker", "StatefulSet")
    assert {image_of(pod) for pod in double.pods("worker")} == {"worker:1"}


def test_a_partition_holds_back_the_lower_ordinals(double: KubernetesDouble) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    double.statefulset("worker", "worker:1", replicas=2, updateStrategy=strategy)
    double.rolled_out("worker", "StatefulSet")
    double.release("worker", "worker:2", kind="StatefulSet")

    def images() -> list[str]:
        pods = sorted(double.pods("worker"), key=lambda pod: str(pod["metadata"]["name"]))
        return [image_of(pod) for pod in pods]

    double.wait(lambda: images() == ["worker:1", "worker:2"], "only the higher ordinal updated")
    status = client.AppsV1Api(double.client()).read_namespaced_stateful_set("worker", "vq").status
    assert status.current_revision != status.update_revision


def test_a_stateful_set_refuses_another_service_name(double: KubernetesDouble) -> None:
    double.statefulset("worker", "worker:1")
    with pytest.raises(ApiException) as refused:
        apps = client.AppsV1Api(double.client())
        apps.patch_namespaced_stateful_set("worker", "vq", {"spec": {"serviceName": "other"}})
    assert (refused.value.status, "are forbidden" in refused.value.body) == (422, True)


def test_a_daemon_set_runs_on_every_node_and_leaves_a_bad_pod_by_itself() -> None:
    with KubernetesDouble(nodes=3) as double:
        double.daemonset("agent", "agent:1")
        double.rolled_out("agent", "DaemonSet")
        double.release("agent", "agent:2-bad", kind="DaemonSet")
        double.wait(lambda: any(image_of(pod) == "agent:2-bad" for pod in double.pods("agent")), "a bad pod")
        double.release("agent", "agent:1", kind="DaemonSet")
        live = double.rolled_out("agent", "DaemonSet")
        assert live["status"]["numberReady"] == 3
        assert sorted(pod["spec"]["nodeName"] for pod in double.pods("agent")) == ["node-1", "node-2", "node-3"]
        revisions = client.AppsV1Api(double.client()).list_namespaced_controller_revision("vq").items
        assert sorted(one.revision for one in revisions) == [2, 3]


def test_pods_serve_their_version_and_feed_the_endpoints(double: KubernetesDouble) -> None:
    double.service("api")
    application = double.serve_application("api")
    assert httpx.get(f"{application.url}/health").status_code == 503
    double.deployment("api", "virtualqueue-api:1.4.1")
    double.rolled_out("api")
    assert httpx.get(f"{application.url}/health").json()["version"] == "1.4.1"
    discovery = client.DiscoveryV1Api(double.client())

    def ready() -> list[bool]:
        found = discovery.list_namespaced_endpoint_slice("vq", label_selector="kubernetes.io/service-name=api").items
        return [one.conditions.ready for slice_ in found for one in slice_.endpoints or []]

    double.wait(lambda: ready() == [True, True], "two ready endpoints")
    double.disturb(lambda images: images.sick.add("virtualqueue-api:1.4.1"))
    double.wait(lambda: ready() == [False, False], "no ready endpoint")
    assert httpx.get(f"{application.url}/health").status_code == 503


def test_no_request_is_lost_while_a_good_release_rolls_out(double: KubernetesDouble) -> None:
    application = double.serve_application("api")
    double.deployment("api", "virtualqueue-api:1.4.1")
    double.rolled_out("api")
    assert httpx.get(application.url).json()["version"] == "1.4.1"
    double.release("api", "virtualqueue-api:1.4.2")

    def asked() -> bool:
        assert httpx.get(application.url).status_code == 200
        return application.answered.get((200, "1.4.2"), 0) >= 5

    double.wait(asked, "the new release serving")
    assert set(application.answered) == {(200, "1.4.1"), (200, "1.4.2")}


def test_logs_and_metrics() -> None:
    with KubernetesDouble(metrics=True) as double:
        double.deployment("api", "virtualqueue-api:1.4.1", replicas=1)
        double.rolled_out("api")
        (pod,) = client.CoreV1Api(double.client()).list_namespaced_pod("vq").items
        log = client.CoreV1Api(double.client()).read_namespaced_pod_log(pod.metadata.name, "vq", tail_lines=1)
        assert log.endswith("virtualqueue-api:1.4.1 ready\n")
        custom = client.CustomObjectsApi(double.client())
        used = custom.list_namespaced_custom_object("metrics.k8s.io", "v1beta1", "vq", "pods")
        assert used["items"][0]["containers"][0]["usage"] == {"cpu": "25m", "memory": "64Mi"}


def test_without_a_metrics_server_metrics_are_not_found(double: KubernetesDouble) -> None:
    with pytest.raises(ApiException) as missing:
        custom = client.CustomObjectsApi(double.client())
        custom.list_namespaced_custom_object("metrics.k8s.io", "v1beta1", "vq", "pods")
    assert missing.value.status == 404
