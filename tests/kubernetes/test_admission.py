"""What admission refuses is named as that, while planning, and is no lack of rights and no stale plan."""

import pytest

from actions.clients.kubernetes_errors import Denied, Forbidden, NoDryRun, Throttled, refusal
from actions.model.errors import Refused, Stale
from actions.platforms.kubernetes.change import KubernetesChanger
from tests.kubernetes.bench import KEY, Bench, at_hand, ignore
from tests.kubernetes.double import KubernetesDouble, Rule
from tests.kubernetes.double.admission import Mutation, Policy, Webhook
from tests.kubernetes.double.status import Json


def old(thing: Json) -> bool:
    return str(thing["spec"]["template"]["spec"]["containers"][0]["image"]).endswith(":1.4.1")


RULES = {
    "policy 422": Policy("no-old-images", "1.4.1 has a known hole", old),
    "policy 403": Policy("no-old-images", "1.4.1 has a known hole", old, reason="Forbidden"),
    "webhook 403": Webhook("no-old-images", "1.4.1 has a known hole", old),
    "webhook 400": Webhook("no-old-images", "1.4.1 has a known hole", old, code=400),
}


@pytest.mark.parametrize("rule", RULES)
async def test_a_denial_is_known_while_planning_with_who_denies_and_why(
    bench: Bench, released: KubernetesDouble, rule: str
) -> None:
    released.admission.rules.append(RULES[rule])
    reader = bench.reader(bench.settings())
    facts = await reader.observe()
    with pytest.raises(Denied) as denied:
        await reader.plan_change(facts, at_hand(facts, "1.4.1"))
    assert denied.value.by == "no-old-images" and "1.4.1 has a known hole" in denied.value.message
    assert "ask for this right" not in denied.value.message and "plan anew" not in denied.value.message
    assert released.writes() == []


async def planned_before(bench: Bench, released: KubernetesDouble, rule: Policy | Webhook) -> KubernetesChanger:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    released.admission.rules.append(rule)
    await changer.check(changes[0])
    await changer.act(changes[0], KEY, bench.directory, ignore)
    return changer


@pytest.mark.parametrize("rule", RULES)
async def test_a_denial_that_came_after_planning_is_named_before_the_act(
    bench: Bench, released: KubernetesDouble, rule: str
) -> None:
    with pytest.raises(Denied) as denied:
        await planned_before(bench, released, RULES[rule])
    assert denied.value.by == "no-old-images" and released.writes() == []


async def test_a_webhook_that_takes_no_dry_run_refuses_nothing_by_that(
    bench: Bench, released: KubernetesDouble
) -> None:
    rule = Webhook("with-effects", "", lambda _: False, dry_run=False)
    released.admission.rules.append(rule)
    await planned_before(bench, released, rule)
    assert len(released.writes("deployments", "api")) == 1


async def test_what_admission_would_change_is_said_while_planning(bench: Bench, released: KubernetesDouble) -> None:
    def annotate(thing: Json) -> None:
        thing["spec"]["template"]["metadata"].setdefault("annotations", {})["policy/checked"] = "v2"

    released.admission.mutations.append(Mutation(annotate))
    with pytest.raises(Refused, match="admission changes the template: metadata.annotations added"):
        await bench.planned(bench.settings(), "1.4.1")


async def test_who_may_not_patch_plans_without_a_dry_run(bench: Bench, released: KubernetesDouble) -> None:
    """The missing right is said by the check of rights; a plan may be looked at all the same."""
    released.allow("looker", Rule(verbs=("get", "list", "watch")))
    _, changes, _ = await bench.planned(bench.settings(user="looker"), "1.4.1")
    assert len(changes) == 1


async def test_a_dry_run_is_not_made_at_every_look(bench: Bench, released: KubernetesDouble) -> None:
    reader = bench.reader(bench.settings())
    facts = await reader.observe()
    for _ in range(5):
        await reader.plan_change(facts, at_hand(facts, "1.4.1"))
    assert len([one for one in released.requests if one.dry_run]) == 1


@pytest.mark.parametrize(("status", "message", "causes", "error"), [
    (403, 'deployments.apps "x" is forbidden: User "a" cannot patch resource "deployments"', False, Forbidden),
    (403, 'deployments.apps "x" is forbidden: exceeded quota: small', False, Denied),
    (422, "the server rejected our request due to an error in our request", False, Stale),
    (422, 'Deployment.apps "x" is invalid: spec.replicas: Invalid value', True, Refused),
    (400, 'admission webhook "w" does not support dry run', False, NoDryRun),
    (500, 'Internal error occurred: failed calling webhook "w": connection refused', False, Throttled),
])  # fmt: skip
def test_refusals_are_told_apart_by_their_words(
    status: int, message: str, causes: bool, error: type[Exception]
) -> None:
    details = '"details": {"causes": [{"field": "spec.replicas"}]}' if causes else '"details": {}'
    quoted = message.replace('"', '\\"')
    found = refusal("k", "PATCH", "/x", status, f'{{"message": "{quoted}", {details}}}'.encode())
    assert type(found) is error
