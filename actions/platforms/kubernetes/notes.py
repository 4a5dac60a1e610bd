"""What planning must say about a workload: paused, autoscaled, owned by a GitOps controller, missing history … Pure.

FAIL refuses a change; INCONCLUSIVE is shown and lets it pass; PASS is worth knowing.
"""

from typing import TYPE_CHECKING

from actions.clients.kubernetes_api import Json
from actions.model.health import Check
from actions.model.text import clean
from actions.model.words import Gate
from actions.model.workloads import KubernetesWorkload
from actions.platforms.kubernetes.kinds import LAST_APPLIED, kubectl
from actions.platforms.kubernetes.owners import owners
from actions.platforms.kubernetes.references import configuration
from actions.platforms.kubernetes.status import being_deleted, deadline_exceeded

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
        _deleted(workload),
        _paused(settings, workload),
        _size(settings, workload),
        _on_delete(workload),
        _data(settings, workload),
        _history(workload, revisions),
        _owner(workload),
        _applied(workload),
        _applier(workload),
        _autoscaled(workload, autoscalers),
        _deadline(workload),
        _stuck(settings, stuck),
        _partition(workload),
        _configuration(workload),
    ]
    return tuple(one for one in found if one is not None)


def _deleted(workload: Json) -> Check | None:
    deleted = being_deleted(workload)
    if not deleted:
        return None
    return Check(
        id="deleted",
        title="being deleted",
        gate=Gate.FAIL,
        evidence=deleted,
        advice="wait until it is gone, then deploy it from its source",
    )


def _size(settings: KubernetesWorkload, workload: Json) -> Check | None:
    """Nothing would run the older release, so nothing could prove it, least of all a Service without endpoints."""
    if workload["spec"].get("replicas", 1) != 0 or settings.kind == "daemonset":
        return None
    scale = kubectl(settings, "scale", f"{settings.kind}/{settings.name}", "--replicas=1")
    return Check(
        id="size",
        title="size 0",
        gate=Gate.FAIL if settings.service else Gate.INCONCLUSIVE,
        evidence="it is scaled to 0: no pod would run the older release, so it could not be proved",
        advice=f"scale it up first: {scale}",
    )


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


def _applier(workload: Json) -> Check | None:
    """Whoever applies the template on the server's side loses the fields that a rollback sets."""
    found = sorted(
        clean(one["manager"], limit=100)
        for one in workload["metadata"].get("managedFields") or []
        if one.get("operation") == "Apply" and one.get("template")
    )
    if not found:
        return None
    return Check(
        id="server-side-apply",
        title="server-side apply",
        gate=Gate.PASS,
        evidence=f"the template is applied by {', '.join(found)}: after a rollback its next apply is a conflict (409)",
        advice="set the older release in its source as well, and apply that with --server-side --force-conflicts",
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
    names = [str(one) for one in configuration(workload["spec"]["template"])]
    if not names:
        return None
    return Check(
        id="configuration",
        title="configuration",
        gate=Gate.PASS,
        evidence=f"a rollback does not bring back {clean(', '.join(names), limit=300)}",
        advice="look whether they were changed for the newer release",
    )
