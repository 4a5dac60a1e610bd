"""Whether an old release could start without pulling anything: on every node that takes its pods, all its images."""

import asyncio
from typing import Any

import pytest

from actions.model.words import Gate
from actions.platforms.kubernetes.images import holds, images_of, takes
from tests.kubernetes.bench import Bench, at_hand
from tests.kubernetes.double import KubernetesDouble, Rule
from tests.kubernetes.double.kinds import NODE

CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


def node(*names: str, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": labels or {}}, "spec": spec, "status": {"images": [{"names": list(names)}]}}


@pytest.mark.parametrize(("image", "listed", "held"), [
    ("reg/app:1", "reg/app:1", True),
    ("app:1", "docker.io/library/app:1", True),
    ("org/app:1", "docker.io/org/app:1", True),
    ("app", "docker.io/library/app:latest", True),
    ("reg:5000/app", "reg:5000/app:latest", True),
    ("reg/app:1@sha256:abc", "reg/app@sha256:abc", True),
    ("app:1@sha256:abc", "docker.io/library/app@sha256:abc", True),
    ("reg/app@sha256:abc", "reg/app@sha256:abc", True),
    ("reg/app:1@sha256:abc", "reg/app:1", False),
    ("reg/app:1@sha256:abc", "reg/app@sha256:def", False),
    ("reg/app:1", "reg/app:2", False),
])  # fmt: skip
def test_an_image_is_known_by_the_names_that_nodes_list(image: str, listed: str, held: bool) -> None:
    assert holds(node("other:1", listed), image) is held


@pytest.mark.parametrize(("there", "spec", "taken"), [
    (node(), {}, True),
    (node(unschedulable=True), {}, False),
    (node(taints=[CONTROL_PLANE]), {}, False),
    (node(taints=[CONTROL_PLANE]), {"tolerations": [{"operator": "Exists"}]}, True),
    (node(taints=[CONTROL_PLANE]), {"tolerations": [{"key": CONTROL_PLANE["key"], "operator": "Exists"}]}, True),
    (node(taints=[CONTROL_PLANE]), {"tolerations": [{"operator": "Exists", "effect": "NoExecute"}]}, False),
    (node(taints=[{"key": "for", "value": "db", "effect": "NoExecute"}]),
     {"tolerations": [{"key": "for", "value": "web"}]}, False),
    (node(taints=[{"key": "for", "value": "db", "effect": "NoExecute"}]),
     {"tolerations": [{"key": "for", "operator": "Equal", "value": "db"}]}, True),
    (node(taints=[{"key": "busy", "effect": "PreferNoSchedule"}]), {}, True),
    (node(labels={"disk": "ssd"}), {"nodeSelector": {"disk": "ssd"}}, True),
    (node(labels={"disk": "hdd"}), {"nodeSelector": {"disk": "ssd"}}, False),
])  # fmt: skip
def test_only_nodes_that_take_its_pods_count(there: dict[str, Any], spec: dict[str, Any], taken: bool) -> None:
    assert takes(there, spec) is taken


def test_all_images_of_a_pod_count_once() -> None:
    spec = {"containers": [{"image": "a"}, {"image": "b"}, {"image": "a"}], "initContainers": [{"image": "c"}]}
    assert images_of({"spec": spec}) == ("a", "b", "c")


def forget(double: KubernetesDouble, image: str) -> None:
    """The node's kubelet has removed an image."""
    held = double.get("Node", "node-1")
    held["status"]["images"] = [one for one in held["status"]["images"] if one["names"] != [image]]
    double.cluster.store.write_status(NODE, held)


async def test_readiness_says_on_how_many_nodes_all_images_are(bench: Bench, double: KubernetesDouble) -> None:
    """A control plane that takes no pods would else keep every cluster from ever being ready."""
    double.create({"kind": "Node", "metadata": {"name": "z-control"}, "spec": {"taints": [CONTROL_PLANE]}})
    containers = [{"name": "api", "image": "api:1.4.1"}, {"name": "proxy", "image": "proxy:1"}]
    template = {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": containers}}
    double.deployment("api", "api:1.4.1", template=template)
    double.rolled_out("api")
    double.release("api", "api:1.4.2")
    double.rolled_out("api")
    reader = bench.reader(bench.settings())
    old = at_hand(await reader.observe(), "1.4.1")
    check = await reader.at_hand(old)
    assert check.gate is Gate.PASS and "all 2 images on 1 of 1 nodes" in check.evidence, check
    async with asyncio.timeout(15):
        while (check := await reader.at_hand(old)).gate is Gate.PASS:
            forget(double, "proxy:1")  # again and again: the kubelet may just be writing what it held before
            await asyncio.sleep(0.01)
    assert "all 2 images on 0 of 1 nodes" in check.evidence


@pytest.mark.parametrize("verbs", [("list",), ("watch",)])
async def test_nodes_that_cannot_be_watched_are_not_known(
    bench: Bench, released: KubernetesDouble, verbs: tuple[str, ...], quick: None
) -> None:
    released.deny("admin", Rule(verbs=verbs, resources=("nodes",)))
    reader = bench.reader(bench.settings())
    old = at_hand(await reader.observe(), "1.4.1")
    async with asyncio.timeout(15):
        while "not known" not in (check := await reader.at_hand(old)).evidence:
            await asyncio.sleep(0.01)
    assert check.gate is Gate.INCONCLUSIVE and "grant list and watch on nodes" in check.advice
