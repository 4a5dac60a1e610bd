"""What a plan shows of the difference between two templates: enough to decide, and no secret."""

from actions.platforms.kubernetes.difference import MOST, difference
from tests.kubernetes.bench import Bench
from tests.kubernetes.double import KubernetesDouble


def template(**container: object) -> dict[str, object]:
    return {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{"name": "api", **container}]}}


def test_images_are_shown_and_variables_only_named() -> None:
    before = template(
        image="api:2.4.1", env=[{"name": "KEY", "value": "canary-1"}, {"name": "NEW", "value": "canary-2"}]
    )
    after = template(image="api:2.4.0", env=[{"name": "KEY", "value": "canary-3"}], args=["--token=canary-4"])
    lines = difference(before, after)
    assert lines == (
        "api.args added",
        "api.env.KEY.value changed",
        "api.env.NEW removed",
        "api.image api:2.4.1 → api:2.4.0",
    )
    assert difference(before, before) == ()


def test_labels_volumes_and_sidecars_are_named() -> None:
    before = {
        "metadata": {"labels": {"tier": "a"}},
        "spec": {"volumes": [{"name": "v", "emptyDir": {}}], "containers": []},
    }
    after = {"metadata": {"labels": {"tier": "b"}}, "spec": {"containers": [{"name": "proxy", "image": "p:1"}]}}
    assert set(difference(before, after)) >= {"metadata.labels.tier a → b", "proxy added", "volumes removed"}


def test_a_long_difference_is_cut() -> None:
    names = [{"name": f"v{number}", "value": "x"} for number in range(20)]
    lines = difference(template(env=names), template(env=[{**one, "value": "y"} for one in names]))
    assert len(lines) == MOST and lines[-1] == "and 15 more"


async def test_the_plan_of_a_workload_carries_it(bench: Bench, released: KubernetesDouble) -> None:
    _, changes, _ = await bench.planned(bench.settings(), "1.4.1")
    image = "registry.local/virtualqueue-api"
    assert changes[0].details == (f"api.image {image}:1.4.2 → {image}:1.4.1",)
