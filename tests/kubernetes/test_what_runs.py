"""What pods must show before a rollout counts as proved: which of them count, and which image they run."""

import itertools
from typing import Any

import pytest

from actions.model.waiting import Deadline
from actions.model.workloads import KubernetesWorkload
from actions.platforms.kubernetes.pods import container_of, stuck
from tests.kubernetes.bench import KEY, Bench, ignore
from tests.kubernetes.double import KubernetesDouble, digest_of

IMAGE = "registry.local/virtualqueue-api"


async def brought_back(bench: Bench, settings: KubernetesWorkload, version: str, standing: str) -> str:
    """What is said of a complete rollback to `version`."""
    _, changes, changer = await bench.planned(settings, version, standing)
    await changer.act(changes[0], KEY, bench.directory, ignore)
    return (await changer.verify(changes[0], KEY, Deadline(20), ignore)).text


async def test_an_evicted_pod_of_the_target_fails_no_rollback(bench: Bench, double: KubernetesDouble) -> None:
    """It stays, owned by the kept replica set, until garbage collection; kubectl and the controllers ignore it."""
    double.deployment("api", f"{IMAGE}:1.4.1", replicas=3)
    double.rolled_out("api")
    evicted = double.pods("api")[0]
    double.evict(evicted)
    double.wait(lambda: len(double.pods("api")) == 4, "another pod in its place")
    double.rolled_out("api")
    double.release("api", f"{IMAGE}:1.4.2")
    double.rolled_out("api")
    assert evicted["metadata"]["name"] in {pod["metadata"]["name"] for pod in double.pods("api")}
    assert "on 3 pods" in await brought_back(bench, bench.settings(), "1.4.1", "1.4.2")


async def test_the_image_that_counts_is_found_by_the_name_of_its_container(
    bench: Bench, double: KubernetesDouble
) -> None:
    """The template's first container is the second in the statuses: the kubelet sorts those by name."""
    pinned = f"web@{digest_of('web:1')}"
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
        {"name": "web", "image": pinned}, {"name": "auth-proxy", "image": "proxy:1"}]}}  # fmt: skip
    double.deployment("web", pinned, template=template)
    double.rolled_out("web")
    double.release("web", "web:2")
    double.rolled_out("web")
    settings = bench.settings(name="web")
    facts, changes, changer = await bench.planned(settings, digest_of("web:1").removeprefix("sha256:")[:12], "2")
    assert {one.reference for one in facts.instances} == {f"web@{digest_of('web:2')}"}
    await changer.act(changes[0], KEY, bench.directory, ignore)
    told = (await changer.verify(changes[0], KEY, Deadline(20), ignore)).text
    assert digest_of("web:1").removeprefix("sha256:")[:12] in told


@pytest.mark.parametrize(("ids", "shown", "warned"), [
    (["1"], "image 111111111111 on 3 pods", False),
    (["1", "2"], "image 111111111111, 222222222222 on 3 pods", True),
])  # fmt: skip
async def test_several_ids_of_one_image_are_a_warning_and_no_failure(
    bench: Bench, released: KubernetesDouble, ids: list[str], shown: str, warned: bool
) -> None:
    """Nodes of two architectures, and a tag that was pushed again. A mirror's name in front of the id says nothing."""
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    places, digests = itertools.cycle(["registry.local", "mirror.local"]), itertools.cycle(one * 64 for one in ids)
    released.images.image_id = lambda _: f"{next(places)}/virtualqueue-api@sha256:{next(digests)}"
    await changer.act(changes[0], KEY, bench.directory, ignore)
    said = (await changer.verify(changes[0], KEY, Deadline(20), ignore)).text
    assert shown in said and ("warning" in said) is warned


def pod(name: str, ready: bool, revision: str, **status: str) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    labels = {"controller-revision-hash": revision}
    return {"metadata": {"name": name, "labels": labels}, "status": {"conditions": [condition], **status}}


def test_only_pods_in_the_way_of_the_target_are_stuck() -> None:
    pods = [
        pod("a", True, "old"),
        pod("b", False, "old"),
        pod("c", False, "new"),
        pod("d", False, "old", phase="Failed"),
    ]
    assert [one["metadata"]["name"] for one in stuck(pods, "new")] == ["b"]


@pytest.mark.parametrize(("named", "found"), [(None, "web"), ("auth", "auth"), ("mistyped", "web")])
def test_the_container_is_the_named_one_or_the_first(named: str | None, found: str) -> None:
    template = {"spec": {"containers": [{"name": "web"}, {"name": "auth"}]}}
    assert container_of(template, named) == found
