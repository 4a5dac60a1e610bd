"""What is found out before anything is touched: that the rollout can be proved, and set as it was planned."""

from collections.abc import Callable
from typing import Any

import pytest

from actions.clients.kubernetes_api import KubernetesWriter
from actions.model.errors import Refused, Unreachable, VerifyFailed
from actions.model.waiting import Deadline
from actions.model.words import Gate
from tests.kubernetes.bench import KEY, Bench, ignore
from tests.kubernetes.double import Answer, KubernetesDouble, Rule
from tests.kubernetes.double.admission import Mutation

Json = dict[str, Any]


async def test_the_right_that_the_proof_needs_is_asked_for(bench: Bench, released: KubernetesDouble) -> None:
    released.deny("admin", Rule(resources=("endpointslices",)))
    proved = bench.settings(service="api")
    (missing,) = await bench.reader(proved).permissions()
    assert (missing.gate, missing.evidence) == (Gate.FAIL, "not granted: list endpointslices")
    assert [one.gate for one in await bench.reader(bench.settings()).permissions()] == [Gate.PASS]
    _, changes, changer = await bench.planned(proved, "1.4.1")
    with pytest.raises(Refused, match="endpointslices"):
        await changer.check(changes[0])


async def test_a_mistyped_service_is_told_before_the_act(bench: Bench, released: KubernetesDouble) -> None:
    _, changes, changer = await bench.planned(bench.settings(service="apy"), "1.4.1")
    with pytest.raises(Refused, match="Service 'apy' has no endpoint slices.*check 'service'"):
        await changer.check(changes[0])


@pytest.fixture
def admission(double: KubernetesDouble) -> Callable[..., None]:
    """Switches on a webhook that puts an annotation into every template, or only into those of patches that count."""

    def annotate(thing: Json) -> None:
        thing["spec"]["template"]["metadata"].setdefault("annotations", {})["policy/checked"] = "v2"

    return lambda dry_run=True: double.admission.mutations.append(Mutation(annotate, dry_run=dry_run))


async def test_a_template_that_admission_changes_is_refused_before_the_act(
    bench: Bench, released: KubernetesDouble, admission: Callable[..., None]
) -> None:
    """What was approved is not what would run, and no proof could hold it against the plan."""
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    admission()
    with pytest.raises(Refused, match="admission changes the template: metadata.annotations added"):
        await changer.check(changes[0])
    assert not released.writes("deployments", "api")


async def test_a_template_that_admission_changed_after_all_is_put_back(
    bench: Bench, released: KubernetesDouble, admission: Callable[..., None]
) -> None:
    """The webhook came between dry run and patch; the way back passes through it too, and says so."""
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    admission(dry_run=False)
    await changer.check(changes[0])
    await changer.protect(changes[0], KEY, bench.directory)
    with pytest.raises(VerifyFailed, match="admission changed the template while it was set"):
        await changer.act(changes[0], KEY, bench.directory, ignore)
    undone = await changer.undo(changes[0], KEY, bench.directory, Deadline(20), ignore)
    assert "admission changed it: metadata.annotations added" in undone.text
    template = released.get("Deployment", "api")["spec"]["template"]
    assert template["spec"]["containers"][0]["image"].endswith(":1.4.2")


async def test_a_dry_run_whose_answer_is_lost_is_not_said_to_be_applied(
    bench: Bench, released: KubernetesDouble
) -> None:
    released.inject(Answer(500), verb="patch", dry_run=True)
    writer = KubernetesWriter.of(bench.settings())
    with pytest.raises(Unreachable) as lost:
        await writer.rehearse("/apis/apps/v1/namespaces/vq/deployments/api", [])
    await writer.close()
    assert "may be applied" not in lost.value.message
