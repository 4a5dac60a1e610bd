"""Which rights a rollback needs, and whether this session has them."""

import asyncio

from actions.clients.kubernetes_api import KubernetesReader
from actions.clients.kubernetes_mirror import Mirrors
from actions.model.base import Fact
from actions.model.errors import VqError
from actions.model.health import Check
from actions.model.words import Gate
from actions.model.workloads import KubernetesWorkload
from actions.platforms.kubernetes.kinds import KINDS

Right = tuple[str, str, str]
ANSWER_SECONDS, TOGETHER_SECONDS = 45.0, 15.0
"""How long one answer is kept, and what was made of all of them: a minute in all, and few questions in between."""


class Rule(Fact):
    """One grant to all objects of a kind, as the API tells it of this identity."""

    verbs: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]

    def grants(self, *right: str) -> bool:
        """Whether verb, group and resource are covered."""
        pairs = zip(right, (self.verbs, self.groups, self.resources), strict=True)
        return all(wanted in held or "*" in held for wanted, held in pairs)


async def checks(settings: KubernetesWorkload, mirrors: Mirrors) -> tuple[Check, ...]:
    """One check naming every missing right. Answers are kept for a minute and shared: rights change seldom."""
    client, wanted = mirrors.client, needed(settings)
    plural = KINDS[settings.kind].plural

    async def asked(right: Right, name: str) -> bool:
        key = f"right {right} {settings.namespace}/{name}"
        return await mirrors.remembered(key, ANSWER_SECONDS, lambda: client.may(*right, settings.namespace, name))

    async def granted(right: Right, rules: tuple[Rule, ...]) -> bool:
        """To all objects, an answer that every workload shares; else to this one: roles may name the objects."""
        verb, group, resource = right
        if any(rule.grants(verb, group, resource) for rule in rules):
            return True
        return await asked(right, "") or (resource == plural and await asked(right, settings.name))

    async def ask() -> tuple[Check, ...]:
        namespace = settings.namespace
        rules = await mirrors.remembered(f"rules {namespace}", ANSWER_SECONDS, lambda: _rules(client, namespace))
        answers = await asyncio.gather(*(granted(right, rules) for right in wanted))
        return (_check([right for right, may in zip(wanted, answers, strict=True) if not may], client.where),)

    return await mirrors.remembered(f"rights {wanted} {settings.namespace}/{settings.name}", TOGETHER_SECONDS, ask)


async def _rules(client: KubernetesReader, namespace: str) -> tuple[Rule, ...]:
    """What is granted for certain, by one question instead of ten.

    Nothing where the API says that it does not know all (an authorizer of its own may refuse what a role grants), or
    does not answer that: then each right is asked for.
    """
    try:
        told = await client.review("SelfSubjectRulesReview", {"namespace": namespace})
    except VqError:
        return ()
    found = told.get("resourceRules") or []
    if told.get("incomplete") or not isinstance(found, list):
        return ()
    return tuple(
        Rule(verbs=one.get("verbs") or (), groups=one.get("apiGroups") or (), resources=one.get("resources") or ())
        for one in found
        if not one.get("resourceNames")
    )


def needed(settings: KubernetesWorkload) -> list[Right]:
    """Verb, API group and resource of every right a rollback uses."""
    kind = KINDS[settings.kind]
    rights = [(verb, "apps", resource) for resource in (kind.plural, kind.history) for verb in ("get", "list", "watch")]
    rights += [(verb, "", "pods") for verb in ("list", "watch")]
    rights.append(("patch", "apps", kind.plural))
    if settings.service is not None:
        rights.append(("list", "discovery.k8s.io", "endpointslices"))
    if settings.kind == "statefulset" and settings.delete_stuck_pods:
        rights += [(verb, "", "pods") for verb in ("get", "delete")]
    return rights


def _check(missing: list[Right], where: str) -> Check:
    if not missing:
        return Check(id="rights", title="rights", gate=Gate.PASS, evidence="every right a rollback needs is granted")
    named = ", ".join(f"{verb} {resource}" for verb, _, resource in missing)
    return Check(
        id="rights",
        title="rights",
        gate=Gate.FAIL,
        evidence=f"not granted: {named}",
        advice=f"ask for the operator role of deploy/kubernetes/operator.yaml in {where}",
    )
