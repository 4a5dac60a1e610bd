"""What stands in the cluster, read right before and after a change: the planned workload and what belongs to it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from actions.clients.kubernetes_api import Json, KubernetesReader
from actions.clients.kubernetes_errors import NotThere
from actions.model.errors import Refused, Stale
from actions.model.platform import Change
from actions.model.waiting import Deadline
from actions.model.workloads import KubernetesWorkload
from actions.platforms.kubernetes.kinds import Paths
from actions.platforms.kubernetes.patience import patiently
from actions.platforms.kubernetes.pods import ending
from actions.platforms.kubernetes.revisions import Revision, history
from actions.platforms.kubernetes.status import being_deleted

T = TypeVar("T")


class Standing:
    """Reads for one change until `deadline`: one busy answer or lost connection decides nothing."""

    def __init__(
        self,
        client: KubernetesReader,
        settings: KubernetesWorkload,
        change: Change,
        deadline: Deadline,
        lost: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client, self._settings, self._change = client, settings, change
        self._deadline, self._lost = deadline, lost
        self._paths = Paths.of(settings)

    async def workload(self) -> Json:
        """The planned workload. Raises Stale when it is another one by now."""
        settings = self._settings
        try:
            workload = await self._ask(lambda: self._client.get(self._paths.workload))
        except NotThere:
            raise Stale(f"{settings.kind} {settings.name} was deleted; plan again") from None
        if workload["metadata"]["uid"] != self._change.params["uid"]:
            raise Stale(f"{settings.kind} {settings.name} was deleted and made anew; plan again")
        if deleted := being_deleted(workload):
            raise Stale(f"{settings.kind} {settings.name}: {deleted}; wait until it is gone and deploy it again")
        return workload

    async def revision(self, workload: Json) -> Revision:
        """The object that keeps the target template, with exactly the planned content. Raises Stale."""
        source = self._change.params["source"]
        path = f"{self._paths.apps(self._paths.kind.history)}/{source}"
        try:
            kept = await self._ask(lambda: self._client.get(path))
        except NotThere:
            raise Stale(f"revision {source} is not kept any more; plan again") from None
        found = history(self._paths.kind, workload, [kept])
        if not found or found[0].reference != self._change.params["target"]:
            raise Stale(f"revision {source} is not the planned one any more; plan again")
        return found[0]

    async def service(self) -> None:
        """That the Service whose endpoints prove the rollout is there, and may be looked at. Raises Refused."""
        name = self._settings.service
        if name is not None and not await self._ask(lambda: endpoint_slices(self._client, self._paths, name)):
            raise Refused(
                f"Service '{name}' has no endpoint slices in namespace '{self._settings.namespace}': "
                f"no rollout could be proved by it; check 'service'"
            )

    async def pod(self, name: str) -> Json | None:
        """The pod of that name, unless it is gone or going."""
        try:
            pod = await self._ask(lambda: self._client.get(f"{self._paths.core('pods')}/{name}"))
        except NotThere:
            return None
        return None if ending(pod) else pod

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        return await patiently(ask, self._deadline, self._lost)


async def endpoint_slices(client: KubernetesReader, paths: Paths, service: str) -> list[Json]:
    """The endpoint slices of a Service; one with a selector always has at least one. Raises Forbidden, Unreachable."""
    answer = await client.get(paths.endpoints, labelSelector=f"kubernetes.io/service-name={service}")
    return list(answer.get("items") or [])
