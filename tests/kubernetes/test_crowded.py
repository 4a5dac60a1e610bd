"""A namespace full of other people's pods: only one's own are asked for, and of those only what is read is kept."""

from typing import Any

import pytest

from actions.clients.kubernetes_selectors import labelled
from actions.platforms.kubernetes.observe import Observation, workload_facts
from actions.platforms.kubernetes.parts import history_part, pod_part, workload_part
from tests.kubernetes.bench import Bench
from tests.kubernetes.crowding import crowd
from tests.kubernetes.double import KubernetesDouble
from tests.kubernetes.double.selectors import labels_match, selects

OTHERS = 200
NARROW = {"pods", "replicasets"}


async def test_neither_a_look_nor_a_rollback_asks_for_the_pods_of_others(
    bench: Bench, released: KubernetesDouble
) -> None:
    crowd(released, OTHERS)
    settings = bench.settings(service="api")
    facts, changes, changer = await bench.planned(settings, "1.4.1")
    await bench.carry_out(changer, changes)
    assert len(facts.instances) == 3
    asked = [one for one in released.requests if one.resource in NARROW and one.verb in ("list", "watch")]
    assert {one.resource for one in asked} == NARROW
    assert {one.query.get("labelSelector") for one in asked} == {"app=api"}
    own = [one for one in released.requests if one.resource == "deployments" and one.verb in ("list", "watch")]
    assert {one.query.get("fieldSelector") for one in own} == {"metadata.name=api"}


async def test_what_is_kept_says_the_same_as_the_whole_objects(bench: Bench, released: KubernetesDouble) -> None:
    settings = bench.settings()
    seen = await bench.reader(settings)._look()
    whole = {kind: released.all(kind) for kind in ("ReplicaSet", "Pod")}
    own = {**released.get("Deployment", "api"), "kind": "Deployment"}
    entire = Observation(
        kind=seen.kind,
        workload=own,
        kept=tuple(whole["ReplicaSet"]),
        pods=tuple(whole["Pod"]),
        autoscalers=(),
    )
    parts = Observation(
        kind=seen.kind,
        workload={**workload_part(own), "kind": "Deployment"},
        kept=tuple(map(history_part, whole["ReplicaSet"])),
        pods=tuple(map(pod_part, whole["Pod"])),
        autoscalers=(),
    )
    told, kept = workload_facts(settings, entire), workload_facts(settings, parts)
    assert told.model_copy(update={"observed_at": kept.observed_at}) == kept
    assert len(kept.instances) == 3 and len(kept.at_hand) == 2


async def test_of_a_pod_no_variable_is_kept(bench: Bench, released: KubernetesDouble) -> None:
    """A thousand of them are no megabytes, and what may be a secret is not held."""
    env = [{"name": "api", "env": [{"name": "TOKEN", "value": "very-secret"}]}]
    released.edit("Deployment", "api", {"spec": {"template": {"spec": {"containers": env}}}})
    released.rolled_out("api")
    seen = await bench.reader(bench.settings())._look()
    assert seen.pods and "very-secret" not in str(seen.pods)


@pytest.mark.parametrize("selector", [
    {"matchLabels": {"app": "api", "tier": "web"}},
    {"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "web"]}]},
    {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["job"]}]},
    {"matchExpressions": [{"key": "app", "operator": "Exists"}, {"key": "old", "operator": "DoesNotExist"}]},
])  # fmt: skip
def test_a_selector_is_written_as_the_api_reads_it(selector: dict[str, Any]) -> None:
    labels = ({"app": "api", "tier": "web"}, {"app": "job"}, {"app": "web", "old": "1"}, {})
    for one in labels:
        assert labels_match(labelled(selector).labels, {"metadata": {"labels": one}}) is selects(selector, one)
