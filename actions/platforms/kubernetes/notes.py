"""What planning must say about a workload: paused, autoscaled, owned by a GitOps controller, missing history … Pure.

FAIL refuses a change; INCONCLUSIVE is shown and lets it pass; PASS is worth knowing (correct-procedures 2.4, 2.5).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from actions.clients.kubernetes_api import Json
from actions.model.environment import KubernetesWorkload
from actions.model.health import Check
from actions.model.text import clean
from actions.model.words import Gate
from actions.platforms.kubernetes.kinds import LAST_APPLIED, kubectl
from actions.platforms.kubernetes.owners import owners
from actions.platforms.kubernetes.status import deadline_exceeded

if TYPE_CHECKING:
    from actions.platforms.kubernetes.revisions import Revision


def notes(
    settings: KubernetesWorkload,
    workload: Json,
    revisions: "tuple[Revision, ...]",
    autoscalers: tuple[Json, ...] | None,
    stuck: list[Json],
) -> tuple[Check, ...]:
    """All that applies."""
    found = [
        _paused(settings, workload),
        _on_delete(workload),
        _data(settings, workload),
        _history(workload, revisions),
        _owner(workload),
        _applied(workload),
        _autoscaled(workload, autoscalers),
        _deadline(workload),
        _stuck(settings, stuck),
        _partition(workload),
        _configuration(workload),
    ]
    return tuple(one for one in found if one is not None)


def _paused(settings: KubernetesWorkload, workload: Json) -> Check | None:
    if not workload["spec"].get("paused"):
        return None
    return Check(
        id="paused",
        title="rollout paused",
        gate=Gate.FAIL,
        evidence="the Deployment is paused: no change would be rolled out",
        advice=f"resume it first: {kubectl(settings, 'rollout', 'resume', f'deployment/{settings.name}')}",
    )


def _on_delete(workload: Json) -> Check | None:
    strategy = (workload["spec"].get("updateStrategy") or {}).get("type")
    if strategy != "OnDelete":
        return None
    return Check(
        id="on-delete",
        title="update strategy",
        gate=Gate.FAIL,
        evidence="OnDelete: pods keep their old template until each is deleted",
        advice="set updateStrategy RollingUpdate, or delete the pods by hand after changing the template",
    )


def _data(settings: KubernetesWorkload, workload: Json) -> Check | None:
    if workload.get("kind", settings.kind).lower() != "statefulset" or settings.stateful_data_compatible:
        return None
    return Check(
        id="data",
        title="data compatibility",
        gate=Gate.FAIL,
        evidence="a StatefulSet owns data that the older release must be able to read",
        advice="make sure it can, then set 'stateful_data_compatible = true' for this workload",
    )


def _history(workload: Json, revisions: "tuple[Revision, ...]") -> Check | None:
    if len(revisions) >= 2:
        return None
    limit = workload["spec"].get("revisionHistoryLimit")
    return Check(
        id="history",
        title="history",
        gate=Gate.INCONCLUSIVE,
        evidence=f"no older revision is kept (revisionHistoryLimit {limit})",
        advice="raise revisionHistoryLimit; until then there is nothing to go back to",
    )


def _owner(workload: Json) -> Check | None:
    found = owners(workload)
    if not found:
        return None
    return Check(
        id="owner",
        title="owner",
        gate=Gate.INCONCLUSIVE,
        evidence="; ".join(f"{owner.name} {owner.does}" for owner in found),
        advice=f"{'; '.join(owner.advice for owner in found)}; or change the source there as well",
    )


def _applied(workload: Json) -> Check | None:
    if LAST_APPLIED not in (workload["metadata"].get("annotations") or {}):
        return None
    return Check(
        id="last-applied",
        title="last applied",
        gate=Gate.PASS,
        evidence="made by kubectl apply: the next apply of the same file deploys the newer release again",
        advice="change the file as well",
    )


def _autoscaled(workload: Json, autoscalers: tuple[Json, ...] | None) -> Check | None:
    if autoscalers is None:
        return Check(
            id="autoscaler",
            title="autoscaler",
            gate=Gate.PASS,
            evidence="not known whether the size is set by an autoscaler: they cannot be listed and watched",
        )
    name, kind = workload["metadata"]["name"], workload.get("kind")
    for scaler in autoscalers:
        target = scaler["spec"].get("scaleTargetRef") or {}
        if target.get("name") == name and (kind is None or target.get("kind") == kind):
            least, most = scaler["spec"].get("minReplicas", 1), scaler["spec"].get("maxReplicas")
            evidence = (
                f"scaled between {least} and {most} by {clean(scaler['metadata']['name'])}; a rollback keeps that"
            )
            return Check(id="autoscaler", title="autoscaler", gate=Gate.PASS, evidence=evidence)
    return None


def _deadline(workload: Json) -> Check | None:
    reason = deadline_exceeded(workload)
    if not reason:
        return None
    return Check(
        id="deadline",
        title="rollout",
        gate=Gate.PASS,
        evidence=clean(reason, limit=300),
        advice="the newer release never became ready; the older pods may still serve",
    )


def _stuck(settings: KubernetesWorkload, stuck: list[Json]) -> Check | None:
    if not stuck:
        return None
    names = ", ".join(clean(pod["metadata"]["name"]) for pod in stuck)
    allowed = settings.delete_stuck_pods
    return Check(
        id="stuck",
        title="stuck pods",
        gate=Gate.PASS if allowed else Gate.INCONCLUSIVE,
        evidence=f"not ready, and would hold up a rollout: {names}",
        advice="the plan deletes those that are of another release, each by its uid"
        if allowed
        else "set 'delete_stuck_pods = true', or delete them",
    )


def _partition(workload: Json) -> Check | None:
    partition = ((workload["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition")
    if not partition:
        return None
    return Check(
        id="partition",
        title="partition",
        gate=Gate.INCONCLUSIVE,
        evidence=f"pods below number {partition} keep the template they have",
        advice="set the partition to 0 to move all of them",
    )


def _configuration(workload: Json) -> Check | None:
    """Nothing keeps older contents of ConfigMaps and Secrets: the older release meets the ones of now."""
    names = sorted(set(_referenced(workload["spec"]["template"].get("spec") or {})))
    if not names:
        return None
    return Check(
        id="configuration",
        title="configuration",
        gate=Gate.PASS,
        evidence=f"a rollback does not bring back {clean(', '.join(names), limit=300)}",
        advice="look whether they were changed for the newer release",
    )


def _referenced(spec: Json) -> Iterator[str]:
    for volume in spec.get("volumes") or []:
        yield from _named(volume, ("configMap", "name"), ("secret", "secretName"))
        for part in (volume.get("projected") or {}).get("sources") or []:
            yield from _named(part, ("configMap", "name"), ("secret", "name"))
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        for source in container.get("envFrom") or []:
            yield from _named(source, ("configMapRef", "name"), ("secretRef", "name"))
        for variable in container.get("env") or []:
            yield from _named(variable.get("valueFrom") or {}, ("configMapKeyRef", "name"), ("secretKeyRef", "name"))


def _named(thing: Json, *fields: tuple[str, str]) -> Iterator[str]:
    for field, key in fields:
        if name := (thing.get(field) or {}).get(key):
            yield f"{'ConfigMap' if field.startswith('configMap') else 'Secret'} {name}"
