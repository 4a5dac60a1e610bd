"""From what was observed to the changes that bring a revision back, pinned. Pure."""

from pydantic import JsonValue

from actions.clients.kubernetes_api import Json
from actions.model.errors import Refused
from actions.model.platform import Artefact, Change, WorkloadFacts
from actions.model.workloads import KubernetesWorkload
from actions.platforms.kubernetes.difference import difference
from actions.platforms.kubernetes.observe import Observation
from actions.platforms.kubernetes.revisions import Revision, plain

SECONDS_AN_INSTANCE = 4.0


def plan(
    settings: KubernetesWorkload, slot: str, seen: Observation, facts: WorkloadFacts, to: Artefact
) -> tuple[Change, ...]:
    """One change of the template and, where an ordered StatefulSet is stuck, one that deletes the stuck pods.

    Raises Refused when the revision is not kept any more or already asked for.
    """
    revision = find(seen.revisions, to)
    if revision is None:
        kept = ", ".join(f"{one.number}" for one in seen.revisions) or "none"
        raise Refused(f"{settings.kind} {settings.name} keeps no revision of {to.version} (revisions kept: {kept})")
    if facts.current is not None and facts.current.reference == to.reference:
        raise Refused(f"{settings.kind} {settings.name} already asks for {to.version}")
    stuck = seen.stuck_pods(revision.source) if settings.delete_stuck_pods else ()
    template = _template(settings, slot, seen, facts, revision, to.version)
    if not stuck:
        return (template,)
    only = {"params": template.params | {"wait_for_rollout": False}, "expected_seconds": 0.5}
    return template.model_copy(update=only), _release(template, stuck)


def _template(
    settings: KubernetesWorkload, slot: str, seen: Observation, facts: WorkloadFacts, revision: Revision, version: str
) -> Change:
    """Set the template, and wait for the rollout."""
    seconds = SECONDS_AN_INSTANCE * max(1, facts.desired)
    return Change(
        slot=slot,
        action="set-template",
        title=f"set the template of {settings.name}",
        subject=f"{settings.kind} {settings.namespace}/{settings.name}",
        before=facts.current.version if facts.current else "unknown",
        after=version,
        details=difference(plain(seen.workload["spec"]["template"]), revision.template),
        params={
            "kind": settings.kind,
            "namespace": settings.namespace,
            "name": settings.name,
            "uid": facts.pins["uid"],
            "generation": facts.pins["generation"],
            "before": facts.pins["template"],
            "target": revision.reference,
            "source": revision.source,
            "source_uid": revision.uid,
            "version": version,
            "wait_for_rollout": True,
        },
        expected_seconds=seconds,
        budget_seconds=60 + 10 * seconds,
    )


def _release(template: Change, stuck: tuple[Json, ...]) -> Change:
    """Delete the pods that would hold up the rollout, and wait for it instead."""
    kept = ("kind", "namespace", "name", "uid", "target", "version")
    pods: list[JsonValue] = [{"name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]} for pod in stuck]
    return Change(
        slot=template.slot,
        action="delete-stuck-pods",
        title=f"delete stuck {', '.join(str(pod['metadata']['name']) for pod in stuck)}",
        subject=f"pods of {template.params['kind']} {template.params['name']}",
        before="not ready",
        after=f"made again from {template.after}",
        params={name: template.params[name] for name in kept} | {"pods": pods},
        expected_seconds=template.expected_seconds,
        budget_seconds=template.budget_seconds,
    )


def find(revisions: tuple[Revision, ...], to: Artefact) -> Revision | None:
    """The kept revision with exactly this template."""
    return next((one for one in revisions if one.reference == to.reference), None)
