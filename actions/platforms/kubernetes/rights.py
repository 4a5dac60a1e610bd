"""Which rights a rollback needs, and whether this session has them (R6, fault matrix row 35)."""

import asyncio
import time

from actions.clients.kubernetes_api import KubernetesReader
from actions.model.environment import KubernetesWorkload
from actions.model.health import Check
from actions.model.words import Gate
from actions.platforms.kubernetes.kinds import KINDS

REMEMBERED_SECONDS = 60.0


class Rights:
    """Asks by access review, and remembers the answer for a minute: rights change seldom."""

    def __init__(self, settings: KubernetesWorkload) -> None:
        self._settings = settings
        self._asked_at: float | None = None
        self._known: tuple[Check, ...] = ()

    async def checks(self, client: KubernetesReader) -> tuple[Check, ...]:
        """One check naming every missing right."""
        if self._asked_at is None or time.monotonic() - self._asked_at > REMEMBERED_SECONDS:
            wanted = needed(self._settings)
            answers = await asyncio.gather(*(client.may(*right, self._settings.namespace) for right in wanted))
            self._known = (
                _check([right for right, may in zip(wanted, answers, strict=True) if not may], client.where),
            )
            self._asked_at = time.monotonic()
        return self._known


def needed(settings: KubernetesWorkload) -> list[tuple[str, str, str]]:
    """Verb, API group and resource of every right a rollback uses."""
    kind = KINDS[settings.kind]
    rights = [(verb, "apps", resource) for resource in (kind.plural, kind.history) for verb in ("get", "list", "watch")]
    rights += [(verb, "", "pods") for verb in ("get", "list", "watch")]
    rights.append(("patch", "apps", kind.plural))
    if settings.kind == "statefulset" and settings.delete_stuck_pods:
        rights.append(("delete", "", "pods"))
    return rights


def _check(missing: list[tuple[str, str, str]], where: str) -> Check:
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
