"""Which rights a rollback needs, and whether this session has them."""

import asyncio

from actions.clients.kubernetes_mirror import Mirrors
from actions.model.health import Check
from actions.model.words import Gate
from actions.model.workloads import KubernetesWorkload
from actions.platforms.kubernetes.kinds import KINDS

Right = tuple[str, str, str]
ANSWER_SECONDS, TOGETHER_SECONDS = 45.0, 15.0
"""How long one answer is kept, and what was made of all of them: a minute in all, and few questions in between."""


async def checks(settings: KubernetesWorkload, mirrors: Mirrors) -> tuple[Check, ...]:
    """One check naming every missing right. Answers are kept for a minute and shared: rights change seldom."""
    client, wanted = mirrors.client, needed(settings)
    plural = KINDS[settings.kind].plural

    async def asked(right: Right, name: str) -> bool:
        key = f"right {right} {settings.namespace}/{name}"
        return await mirrors.remembered(key, ANSWER_SECONDS, lambda: client.may(*right, settings.namespace, name))

    async def granted(right: Right) -> bool:
        """To all objects, an answer that every workload shares; else to this one: roles may name the objects."""
        _, _, resource = right
        return await asked(right, "") or (resource == plural and await asked(right, settings.name))

    async def ask() -> tuple[Check, ...]:
        answers = await asyncio.gather(*(granted(right) for right in wanted))
        return (_check([right for right, may in zip(wanted, answers, strict=True) if not may], client.where),)

    return await mirrors.remembered(f"rights {wanted} {settings.namespace}/{settings.name}", TOGETHER_SECONDS, ask)


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
