"""Kubernetes as a workload driver."""

import asyncio
from datetime import UTC, datetime

from actions.clients.kubernetes_api import Json, KubernetesWriter
from actions.clients.kubernetes_errors import Forbidden, NotThere
from actions.clients.kubernetes_mirror import Mirror, Mirrors
from actions.clients.kubernetes_selectors import Selected, labelled, named
from actions.model.errors import Slow, Unreachable, VqError
from actions.model.health import Check
from actions.model.patience import fair_timeout
from actions.model.platform import Artefact, Change, WorkloadFacts
from actions.model.text import clean
from actions.model.words import Gate
from actions.model.workloads import KubernetesWorkload
from actions.platforms.access import Place
from actions.platforms.kubernetes.change import KubernetesChanger
from actions.platforms.kubernetes.images import image_check
from actions.platforms.kubernetes.kinds import Paths
from actions.platforms.kubernetes.observe import Observation, workload_facts
from actions.platforms.kubernetes.parts import history_part, pod_part, workload_part
from actions.platforms.kubernetes.planning import find, plan
from actions.platforms.kubernetes.pods import container_of
from actions.platforms.kubernetes.quantities import Usage, used_by
from actions.platforms.kubernetes.references import both, reference_check
from actions.platforms.kubernetes.rehearsing import rehearsed
from actions.platforms.kubernetes.rights import checks

OBSERVE_SECONDS = 8.0
USAGE_SECONDS = 15.0
USAGE_PATIENCE_SECONDS = 1.0
OPTIONAL_PATIENCE_SECONDS = 3.0
LOG_LIMIT_BYTES = 1_000_000


def workload_reader(settings: KubernetesWorkload, place: Place) -> "KubernetesWorkloadReader":
    """The reading half."""
    return KubernetesWorkloadReader(settings, place.slot)


def workload_changer(settings: KubernetesWorkload, place: Place) -> KubernetesChanger:
    """The writing half."""
    return KubernetesChanger(settings, KubernetesWriter.of(settings))


class KubernetesWorkloadReader:
    """Observes one workload through mirrors that all services of the cluster share."""

    def __init__(self, settings: KubernetesWorkload, slot: str) -> None:
        self._settings, self._slot = settings, slot
        self._paths = Paths.of(settings)
        self._mirrors = Mirrors(settings.kubeconfig, settings.context)
        self._seen: tuple[object, Observation] | None = None
        self._facts: tuple[Observation, WorkloadFacts] | None = None

    async def observe(self) -> WorkloadFacts:
        """Instances, template and history as the watches have them. Raises Unreachable with since when."""
        seen = await self._look()
        if self._facts is None or self._facts[0] is not seen:
            self._facts = seen, workload_facts(self._settings, seen)
        return self._facts[1].model_copy(update={"observed_at": datetime.now(UTC)})

    async def at_hand(self, artefact: Artefact) -> Check:
        """Whether the old template is still kept and its image known to the nodes."""
        seen = await self._look()
        revision = find(seen.revisions, artefact)
        if revision is None:
            return Check(
                id="at-hand",
                title="revision kept",
                gate=Gate.FAIL,
                evidence=f"no revision of {artefact.version} is kept any more",
                advice="deploy it again from its source; raise revisionHistoryLimit",
            )
        image, there = await asyncio.gather(
            image_check(self._mirrors, revision), reference_check(self._mirrors, self._paths, revision.template)
        )
        return both(image, there)

    async def permissions(self) -> tuple[Check, ...]:
        """What access reviews say about the rights a rollback needs; nothing is changed to find out."""
        return await checks(self._settings, self._mirrors)

    async def plan_change(self, facts: WorkloadFacts, to: Artefact) -> tuple[Change, ...]:
        """Set the pinned template and, where needed, delete stuck pods.

        Raises Denied or Refused where the cluster says now that it would not take the template as it is.
        """
        seen = await self._look()
        changes = plan(self._settings, self._slot, seen, facts, to)
        revision = find(seen.revisions, to)
        if revision is not None:
            await rehearsed(self._mirrors, self._paths, changes[0], seen.workload, revision)
        return changes

    async def log_tail(self, instance: str, lines: int) -> tuple[str, ...]:
        """The last lines of one pod's log; `instance` is its uid or name."""
        seen = await self._look()
        pod = next(
            (one for one in seen.own_pods if instance in (one["metadata"]["uid"], one["metadata"]["name"])), None
        )
        if pod is None:
            raise Unreachable(f"pod {clean(instance)} of {self._settings.name} is gone; look at the instances again")
        query = {"tailLines": str(lines), "limitBytes": str(LOG_LIMIT_BYTES)}
        query["container"] = container_of(
            pod, container_of(seen.workload["spec"]["template"], self._settings.container)
        )
        path = f"{self._paths.core('pods')}/{pod['metadata']['name']}/log"
        text = await self._mirrors.client.text(path, **query)
        return tuple(clean(line) for line in text.splitlines()[-lines:])

    async def close(self) -> None:
        """Let go of the shared connections."""
        await self._mirrors.close()

    async def _look(self) -> Observation:
        """What the mirrors hold of this workload; the same object again as long as nothing of it has changed."""
        scaling = asyncio.ensure_future(self._optional(self._paths.autoscalers))
        try:
            async with fair_timeout(OBSERVE_SECONDS):
                own = await self._workload()
                selected = labelled(own["spec"].get("selector"))
                looks = [mirror.current() for mirror in self._belonging(selected)]
                found = await asyncio.gather(*looks, return_exceptions=True)
                for one in found:  # in a fixed order, so that the same trouble is always told in the same words
                    if isinstance(one, BaseException):
                        raise one
                kept, pods = (one for one in found if not isinstance(one, BaseException))
                scalers, usage = await asyncio.gather(scaling, self._used(selected))
        except TimeoutError:
            raise Slow(f"{self._mirrors.client.where} did not answer within {OBSERVE_SECONDS:.0f} s") from None
        finally:
            scaling.cancel()
        history = kept.owned_by(own["metadata"]["uid"])
        instances = tuple(pod for one in (own, *history) for pod in pods.owned_by(one["metadata"]["uid"]))
        mark = (tuple(map(_version, (own, *history, *instances))), scalers and scalers.version, usage)
        if self._seen is None or self._seen[0] != mark:
            self._seen = mark, self._observation(own, history, instances, scalers, usage)
        return self._seen[1]

    def _observation(
        self, own: Json, kept: tuple[Json, ...], pods: tuple[Json, ...], scalers: Mirror | None, usage: Usage
    ) -> Observation:
        return Observation(
            kind=self._paths.kind,
            workload={**own, "kind": self._paths.kind.name},
            kept=kept,
            pods=pods,
            autoscalers=None if scalers is None else tuple(scalers.held()),
            usage=usage,
        )

    async def _workload(self) -> Json:
        """The workload itself, by a watch of its name: a namespace may hold hundreds of others."""
        name, path = self._settings.name, self._paths.apps(self._paths.kind.plural)
        own = (await self._mirrors.of(path, named(name), workload_part).current()).named(name)
        if own is None:
            raise NotThere(
                f"no {self._settings.kind} '{self._settings.name}' in namespace '{self._settings.namespace}' "
                f"of {self._mirrors.client.where}; check 'kind', 'namespace' and 'name'"
            )
        return own

    def _belonging(self, selected: Selected) -> tuple[Mirror, Mirror]:
        """Its history and its pods: of a crowded namespace only what its own selector selects."""
        history = self._mirrors.of(self._paths.apps(self._paths.kind.history), selected, history_part)
        return history, self._mirrors.of(self._paths.core("pods"), selected, pod_part)

    async def _optional(self, path: str) -> Mirror | None:
        """What may be missing, forbidden (to list or only to watch) or ill: then it is not known, and nothing else."""
        try:
            async with fair_timeout(OPTIONAL_PATIENCE_SECONDS):
                return await self._mirrors.of(path).current()
        except (Forbidden, NotThere, Unreachable, TimeoutError):
            return None

    async def _used(self, selected: Selected) -> Usage:
        """Cpu and memory by pod, where the metrics API is served; asked seldom, once for all who look at these pods.

        It is a service of its own behind the API server, and its absence or silence is nobody else's: a look waits a
        moment for it at most, and the figures stay unmeasured and are shown so.
        """
        path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{self._settings.namespace}/pods"

        async def ask() -> Usage:
            try:
                async with fair_timeout(USAGE_PATIENCE_SECONDS):
                    items, _ = await self._mirrors.client.collection(path, selected)
            except (VqError, TimeoutError):
                return {}
            return {one["metadata"]["name"]: used_by(one) for one in items}

        return await self._mirrors.remembered(f"{path} {selected.labels}", USAGE_SECONDS, ask)


def _version(thing: Json) -> tuple[str, str]:
    return thing["metadata"]["uid"], thing["metadata"]["resourceVersion"]
