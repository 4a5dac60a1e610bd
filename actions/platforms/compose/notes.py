"""What planning must say about a service on an engine. Pure. A FAIL refuses a change."""

from typing import Any

from actions.model.health import Check
from actions.model.text import clean
from actions.model.words import Gate
from actions.model.workloads import ComposeWorkload
from actions.platforms.compose import labels

Body = dict[str, Any]


def notes_of(
    settings: ComposeWorkload, containers: list[Body], away: list[Body], watchers: list[Body]
) -> tuple[Check, ...]:
    """Checks about what stands, worst first."""
    notes = [_absent(settings)] if not containers else []
    for body in containers:
        notes += _refusals(body)
    if len({one["Image"] for one in containers}) > 1:
        evidence = f"{len({one['Image'] for one in containers})} images among {len(containers)} containers"
        advice = "a rollback brings all of them to one image"
        notes.append(
            Check(id="mixed", title="replicas agree", gate=Gate.INCONCLUSIVE, evidence=evidence, advice=advice)
        )
    for body in watchers:
        evidence = f"Watchtower runs as {clean(labels.name_of(body), limit=100)} and may update again"
        advice = "stop it, or exclude this service, before going back"
        notes.append(
            Check(id="controller", title="no controller", gate=Gate.INCONCLUSIVE, evidence=evidence, advice=advice)
        )
    kept = [clean(labels.name_of(one), limit=100) for one in away if labels.put_away(one)]
    if kept:
        evidence = f"kept as evidence for {settings.keep_old_hours:g} h: {', '.join(kept)}"
        notes.append(Check(id="leftovers", title="replaced containers", gate=Gate.PASS, evidence=evidence))
    return tuple(notes)


def _absent(settings: ComposeWorkload) -> Check:
    where = f"service '{settings.service}' of project '{settings.project}'" if settings.project else settings.service
    advice = "check 'project', 'service' and 'host' in the configuration; `docker ps -a` lists what is there"
    return Check(
        id="containers", title="containers found", gate=Gate.FAIL, evidence=f"no container: {where}", advice=advice
    )


def _refusals(body: Body) -> list[Check]:
    name = clean(labels.name_of(body), limit=100)
    found = []
    if body["State"].get("Paused"):
        found.append(("paused", f"{name} is paused", f"docker unpause {name}"))
    if body["HostConfig"].get("AutoRemove"):
        advice = "start it without --rm: stopping it would delete it, and there would be no way back"
        found.append(("auto-remove", f"{name} removes itself when stopped", advice))
    if "com.docker.swarm.service.id" in labels.labels_of(body):
        found.append(("swarm", f"{name} belongs to a Swarm service", "use `docker service rollback`"))
    return [
        Check(id=key, title="containers can be replaced", gate=Gate.FAIL, evidence=evidence, advice=advice)
        for key, evidence, advice in found
    ]
