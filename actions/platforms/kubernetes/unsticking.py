"""Deleting the pods that hold up an ordered StatefulSet: the planned ones only, each by its uid."""

from typing import cast

from actions.clients.kubernetes_api import Json, KubernetesWriter
from actions.clients.kubernetes_errors import NotThere
from actions.model.crash import crashpoint
from actions.model.errors import Stale, VerifyFailed
from actions.model.platform import Change, Evidence
from actions.model.waiting import Deadline
from actions.model.workloads import KubernetesWorkload
from actions.platforms.kubernetes.kinds import Paths
from actions.platforms.kubernetes.patience import unthrottled
from actions.platforms.kubernetes.pods import of_revision, ready
from actions.platforms.kubernetes.standing import Standing
from actions.platforms.protocols import Report

Planned = dict[str, str]


class Unsticking:
    """One look after another at each planned pod, and a delete where it still stands in the way."""

    def __init__(
        self, client: KubernetesWriter, settings: KubernetesWorkload, standing: Standing, deadline: Deadline
    ) -> None:
        self._client, self._standing, self._deadline = client, standing, deadline
        self._pods = Paths.of(settings).core("pods")

    async def delete(self, change: Change, report: Report) -> Evidence:
        """Delete what is still not ready and not made from the revision that is asked for now."""
        revision, gone = update_revision(await self._standing.workload()), 0
        for planned in planned_pods(change):
            crashpoint("kubernetes.before-delete")
            pod = await self._same(planned)
            if pod is None:
                continue
            if ready(pod):
                report(f"{planned['name']} turned ready by itself and stays")
            elif of_revision(pod, revision):
                report(f"{planned['name']} is made from {change.params['version']} already and stays")
            else:
                await self._delete(planned)
                report(f"deleted {planned['name']}")
                gone += 1
        return Evidence(text=f"{gone} stuck pods deleted")

    async def left(self, change: Change) -> list[str]:
        """Names of the planned pods that still stand in the way."""
        revision = update_revision(await self._standing.workload())
        found = [(planned["name"], await self._same(planned)) for planned in planned_pods(change)]
        return [name for name, pod in found if pod is not None and not ready(pod) and not of_revision(pod, revision)]

    async def _same(self, planned: Planned) -> Json | None:
        pod = await self._standing.pod(planned["name"])
        return pod if pod is not None and pod["metadata"]["uid"] == planned["uid"] else None

    async def _delete(self, planned: Planned) -> None:
        """Gone is gone, also when its name stands for another pod by now (404, 409)."""
        path = f"{self._pods}/{planned['name']}"
        try:
            await unthrottled(lambda: self._client.delete(path, planned["uid"]), self._deadline)
        except NotThere:
            return
        except Stale:
            if await self._same(planned) is not None:
                raise


def update_revision(workload: Json) -> str:
    """The controller revision that a StatefulSet makes pods from now."""
    return str((workload.get("status") or {}).get("updateRevision", ""))


def planned_pods(change: Change) -> list[Planned]:
    """The pods that the plan names. Raises VerifyFailed."""
    pods = change.params["pods"]
    if not isinstance(pods, list):
        raise VerifyFailed("the plan names no pods")
    return cast("list[Planned]", pods)
