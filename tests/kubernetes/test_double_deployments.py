"""Laws of Deployments, through the real client: revisions, patches, generations, deadlines, pause, deletion."""

from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from tests.kubernetes.double import KubernetesDouble, digest_of

REVISION = "deployment.kubernetes.io/revision"
OLD, NEW, BAD = (f"virtualqueue-api:{tag}" for tag in ("1.4.1", "1.4.2", "1.5.0-bad"))


@pytest.fixture
def apps(double: KubernetesDouble) -> client.AppsV1Api:
    double.deployment("api", OLD, cause="release 1.4.1")
    double.rolled_out("api")
    return client.AppsV1Api(double.client())


def revisions(apps: client.AppsV1Api) -> dict[str, str]:
    """Image by revision, as the replica sets have it."""
    found = apps.list_namespaced_replica_set("vq", label_selector="app=api").items
    return {one.metadata.annotations[REVISION]: one.spec.template.spec.containers[0].image for one in found}


def template_of(apps: client.AppsV1Api, revision: str) -> Any:
    """The pod template of a revision as plain JSON, without the hash label."""
    for one in apps.list_namespaced_replica_set("vq").items:
        if one.metadata.annotations[REVISION] == revision:
            template = apps.api_client.sanitize_for_serialization(one.spec.template)
            del template["metadata"]["labels"]["pod-template-hash"]
            return template
    raise LookupError(revision)


def undo(apps: client.AppsV1Api, revision: str, generation: int, **more: Any) -> Any:
    live = apps.read_namespaced_deployment("api", "vq")
    operations = [
        {"op": "test", "path": "/metadata/uid", "value": live.metadata.uid},
        {"op": "test", "path": "/metadata/generation", "value": generation},
        {"op": "replace", "path": "/spec/template", "value": template_of(apps, revision)},
    ]
    return apps.patch_namespaced_deployment("api", "vq", operations, **more)


def test_undo_renumbers_the_revision_and_a_second_undo_would_go_back(
    double: KubernetesDouble, apps: client.AppsV1Api
) -> None:
    double.release("api", NEW)
    double.rolled_out("api")
    assert revisions(apps) == {"1": OLD, "2": NEW}
    undo(apps, "1", generation=2)
    double.rolled_out("api")
    assert revisions(apps) == {"2": NEW, "3": OLD}
    undo(apps, "2", generation=3)
    double.rolled_out("api")
    assert revisions(apps) == {"3": OLD, "4": NEW}


def test_a_stale_generation_is_refused_and_nothing_is_written(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    double.release("api", NEW)
    double.rolled_out("api")
    double.edit("Deployment", "api", {"spec": {"minReadySeconds": 1}})
    before = double.get("Deployment", "api")
    with pytest.raises(ApiException) as refused:
        undo(apps, "1", generation=2)
    assert (refused.value.status, '"reason": "Invalid"' in refused.value.body) == (422, True)
    assert double.get("Deployment", "api")["spec"] == before["spec"]
    assert double.writes("deployments") == []


def test_a_dry_run_leaves_the_object_as_it_was(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    double.release("api", NEW)
    before = double.rolled_out("api")
    answer = undo(apps, "1", generation=2, dry_run="All")
    assert answer.spec.template.spec.containers[0].image == OLD
    assert (answer.metadata.generation, answer.metadata.resource_version) == (3, before["metadata"]["resourceVersion"])
    assert double.get("Deployment", "api") == before
    assert double.writes() == []


def test_a_stale_version_in_a_merge_patch_is_a_conflict(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    stale = double.get("Deployment", "api")["metadata"]["resourceVersion"]
    double.release("api", NEW)
    with pytest.raises(ApiException) as refused:
        apps.patch_namespaced_deployment("api", "vq", {"metadata": {"resourceVersion": stale}, "spec": {"replicas": 9}})
    assert refused.value.status == 409
    assert double.get("Deployment", "api")["spec"]["replicas"] == 2


def test_merging_an_old_template_keeps_what_was_added(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    old = template_of(apps, "1")
    sidecar = {"name": "sidecar", "image": "sidecar:1"}
    double.edit("Deployment", "api", {"spec": {"template": {"spec": {"containers": [sidecar]}}}})
    apps.patch_namespaced_deployment("api", "vq", {"spec": {"template": old}})
    names = [one["name"] for one in double.get("Deployment", "api")["spec"]["template"]["spec"]["containers"]]
    assert names == ["api", "sidecar"]
    apps.patch_namespaced_deployment("api", "vq", {"spec": {"template": {**old, "$patch": "replace"}}})
    names = [one["name"] for one in double.get("Deployment", "api")["spec"]["template"]["spec"]["containers"]]
    assert names == ["api"]


def test_an_absent_field_cannot_be_tested(apps: client.AppsV1Api) -> None:
    with pytest.raises(ApiException) as refused:
        apps.patch_namespaced_deployment("api", "vq", [{"op": "test", "path": "/spec/paused", "value": False}])
    assert refused.value.status == 422


def test_status_updates_and_labels_leave_the_generation(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    live = apps.patch_namespaced_deployment("api", "vq", {"metadata": {"labels": {"team": "queue"}}})
    assert live.metadata.generation == 1
    live = apps.patch_namespaced_deployment("api", "vq", {"metadata": {"annotations": {"note": "x"}}})
    assert live.metadata.generation == 2
    assert double.rolled_out("api")["metadata"]["generation"] == 2


def test_a_release_that_never_turns_ready_exceeds_the_deadline(
    double: KubernetesDouble, apps: client.AppsV1Api
) -> None:
    double.release("api", BAD)
    double.condition("api", "ProgressDeadlineExceeded")
    live = apps.read_namespaced_deployment("api", "vq").status
    assert (live.available_replicas, live.updated_replicas, live.unavailable_replicas) == (2, 1, 1)


def test_an_image_that_cannot_be_pulled(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    double.disturb(lambda images: images.missing.add(NEW))
    double.release("api", NEW)
    core = client.CoreV1Api(double.client())

    def reasons() -> set[str]:
        states = [pod.status.container_statuses for pod in core.list_namespaced_pod("vq").items]
        return {one.state.waiting.reason for held in states for one in held or [] if one.state.waiting}

    double.wait(lambda: reasons() == {"ImagePullBackOff"}, "image pull back-off")
    double.disturb(lambda images: images.missing.clear())
    double.rolled_out("api")
    pods = core.list_namespaced_pod("vq", label_selector="app=api").items
    live = [pod for pod in pods if pod.metadata.deletion_timestamp is None]
    assert {pod.status.container_statuses[0].image_id.partition("@")[2] for pod in live} == {digest_of(NEW)}


def test_a_crashing_release_restarts(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    double.release("api", "virtualqueue-api:1.6.0-crash")

    def restarts() -> int:
        return max(pod["status"].get("containerStatuses", [{}])[0].get("restartCount", 0) for pod in double.pods("api"))

    double.wait(lambda: restarts() >= 2, "two restarts")
    assert client.CoreV1Api(double.client()).list_namespaced_pod("vq").items


def test_a_paused_deployment_takes_no_template(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    double.edit("Deployment", "api", {"spec": {"paused": True}})
    double.release("api", NEW)
    double.wait(lambda: double.get("Deployment", "api")["status"]["observedGeneration"] == 3, "observed")
    assert revisions(apps) == {"1": OLD}
    double.edit("Deployment", "api", {"spec": {"paused": None}})
    double.rolled_out("api")
    assert revisions(apps) == {"1": OLD, "2": NEW}


def test_history_is_limited(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    double.edit("Deployment", "api", {"spec": {"revisionHistoryLimit": 1}})
    for tag in ("2", "3", "4"):
        double.release("api", f"virtualqueue-api:{tag}")
        double.rolled_out("api")
    double.wait(lambda: len(double.all("ReplicaSet")) == 2, "two replica sets")
    assert set(revisions(apps)) == {"3", "4"}


def test_recreate_leaves_a_gap(double: KubernetesDouble) -> None:
    double.deployment("batch", "batch:1", strategy={"type": "Recreate"})
    double.rolled_out("batch")
    seen: list[int] = []

    def done() -> bool:
        seen.append(double.get("Deployment", "batch")["status"].get("availableReplicas", 0))
        return {pod["spec"]["containers"][0]["image"] for pod in double.pods("batch")} == {"batch:2"}

    double.release("batch", "batch:2")
    double.wait(done, "only new pods")
    assert 0 in seen


def test_recreated_under_the_same_name(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    before = double.get("Deployment", "api")["metadata"]["uid"]
    after = double.recreate("Deployment", "api")["metadata"]["uid"]
    assert before != after
    double.rolled_out("api")
    double.wait(lambda: len(double.all("ReplicaSet")) == 1, "the old replica set collected")
    with pytest.raises(ApiException) as refused:
        apps.patch_namespaced_deployment("api", "vq", [{"op": "test", "path": "/metadata/uid", "value": before}])
    assert refused.value.status == 422


def test_deleting_collects_what_is_owned(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    apps.delete_namespaced_deployment("api", "vq")
    double.wait(lambda: not double.all("ReplicaSet") and not double.pods("api"), "everything collected")
    with pytest.raises(ApiException) as missing:
        apps.read_namespaced_deployment("api", "vq")
    assert missing.value.status == 404


def test_scaling_in_the_middle_of_a_rollout(double: KubernetesDouble, apps: client.AppsV1Api) -> None:
    double.release("api", NEW)
    apps.patch_namespaced_deployment_scale("api", "vq", {"spec": {"replicas": 5}})
    live = double.rolled_out("api")
    assert live["status"]["updatedReplicas"] == 5
    assert revisions(apps) == {"1": OLD, "2": NEW}
