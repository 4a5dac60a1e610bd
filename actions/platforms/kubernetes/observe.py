"""What stands in the cluster now, in the words of all platforms. Pure, from objects that mirrors keep current."""

from datetime import UTC, datetime
from functools import cached_property

from pydantic import JsonValue

from actions.clients.kubernetes_api import Json
from actions.model.base import Fact
from actions.model.platform import Instance, InstanceState, WorkloadFacts
from actions.model.text import clean
from actions.model.workloads import KubernetesWorkload
from actions.platforms.kubernetes.kinds import Kind, owned
from actions.platforms.kubernetes.notes import notes
from actions.platforms.kubernetes.pods import container_of, ending, ready, restarts, status_of, stuck
from actions.platforms.kubernetes.quantities import Usage
from actions.platforms.kubernetes.revisions import Revision, artefact, history, image_of, reference, version_of
from actions.platforms.kubernetes.status import progress


class Observation(Fact):
    """The objects of one workload at one moment. `autoscalers` None means they could not be read."""

    kind: Kind
    workload: Json
    kept: tuple[Json, ...]
    pods: tuple[Json, ...]
    autoscalers: tuple[Json, ...] | None = None
    usage: Usage = {}

    @cached_property
    def revisions(self) -> tuple[Revision, ...]:
        """The history, newest first."""
        return history(self.kind, self.workload, list(self.kept))

    @cached_property
    def own_pods(self) -> tuple[Json, ...]:
        """Pods controlled by the workload, or by one of its replica sets."""
        owners = {self.workload["metadata"]["uid"]}
        if self.kind.history == "replicasets":
            owners |= {one["metadata"]["uid"] for one in self.kept if owned(one, self.workload["metadata"]["uid"])}
        return tuple(pod for pod in self.pods if any(owned(pod, uid) for uid in owners))

    def stuck_pods(self, target: str) -> tuple[Json, ...]:
        """Pods an ordered StatefulSet would wait for forever, though its template is that of revision `target`."""
        policy = self.workload["spec"].get("podManagementPolicy", "OrderedReady")
        if self.kind.name != "StatefulSet" or policy != "OrderedReady":
            return ()
        return tuple(stuck(list(self.own_pods), target))


def workload_facts(settings: KubernetesWorkload, seen: Observation) -> WorkloadFacts:
    """Instances, the template now asked for, what could come back, and what planning must say."""
    template = seen.workload["spec"]["template"]
    current = reference(template)
    revisions = seen.revisions
    own = next((one for one in revisions if one.reference == current), None)
    meta = seen.workload["metadata"]
    pins: dict[str, JsonValue] = {"uid": meta["uid"], "generation": meta["generation"], "template": current}
    return WorkloadFacts(
        observed_at=datetime.now(UTC),
        desired=_desired(seen),
        instances=tuple(instance(pod, container_of(template, settings.container), seen.usage) for pod in seen.own_pods),
        current=artefact(template, settings.container, own),
        pins=pins,
        at_hand=tuple(artefact(one.template, settings.container, one) for one in revisions),
        notes=notes(settings, seen.workload, revisions, seen.autoscalers, list(seen.stuck_pods(""))),
        rolling=_rolling(seen),
    )


def instance(pod: Json, container: str, usage: Usage) -> Instance:
    """One pod as an instance, by its container of that name, or by its first where an older template has none."""
    container = container_of(pod, container)
    status = status_of(pod, container)
    name = clean(pod["metadata"]["name"], limit=253)
    cpu, memory = usage.get(name, (None, None))
    template = {"metadata": {"labels": pod["metadata"].get("labels")}, "spec": pod["spec"]}
    return Instance(
        id=pod["metadata"]["uid"],
        name=name,
        state=_state(pod, status),
        ready=ready(pod),
        version=version_of(template, container),
        reference=clean(status.get("imageID") or image_of(template, container), limit=500),
        restarts=restarts(pod),
        started_at=_time((pod.get("status") or {}).get("startTime")),
        host=clean(pod["spec"].get("nodeName") or "", limit=253) or None,
        cpu=cpu,
        memory_bytes=memory,
        message=_trouble(pod, status),
    )


def _rolling(seen: Observation) -> str:
    """Why pods of another template may answer. `current` is what is asked for; until it is rolled out others serve."""
    spec, status = seen.workload["spec"], seen.workload.get("status") or {}
    state = progress(seen.kind.name, {**seen.workload, "spec": {**spec, "paused": False}})
    if not state.done:
        return state.failed or state.text
    kept = seen.kind.name == "StatefulSet" and status.get("updateRevision") != status.get("currentRevision")
    return "its partition keeps pods on the old revision" if kept else ""


def _desired(seen: Observation) -> int:
    if seen.kind.name == "DaemonSet":
        return int((seen.workload.get("status") or {}).get("desiredNumberScheduled", 0))
    return int(seen.workload["spec"].get("replicas", 1))


def _state(pod: Json, status: Json) -> InstanceState:
    phase = (pod.get("status") or {}).get("phase")
    waiting = ((status.get("state") or {}).get("waiting") or {}).get("reason", "")
    if ending(pod):
        return InstanceState.STOPPING
    if waiting == "CrashLoopBackOff":
        return InstanceState.RESTARTING
    known = {
        "Running": InstanceState.RUNNING,
        "Pending": InstanceState.STARTING,
        "Succeeded": InstanceState.STOPPED,
        "Failed": InstanceState.STOPPED,
    }
    return known.get(str(phase), InstanceState.UNKNOWN)


def _trouble(pod: Json, status: Json) -> str:
    waiting = (status.get("state") or {}).get("waiting") or {}
    if waiting.get("reason"):
        return clean(f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": "), limit=300)
    ended = (status.get("lastState") or {}).get("terminated") or {}
    if ended.get("reason"):
        return clean(f"last ended: {ended['reason']} ({ended.get('exitCode')})", limit=300)
    return clean((pod.get("status") or {}).get("message") or "", limit=300)


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) else None
