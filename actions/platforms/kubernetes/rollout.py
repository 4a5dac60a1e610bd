"""Watching a rollout to its end: kubectl's rules, then template, restarts and ready endpoints."""

import asyncio
from collections.abc import Awaitable, Callable

from actions.clients.kubernetes_api import Json, KubernetesReader
from actions.clients.kubernetes_errors import Forbidden, NotThere
from actions.clients.kubernetes_selectors import Selected, labelled, named
from actions.model.base import Fact
from actions.model.errors import OutOfSight, Stale, Unreachable, VerifyFailed, VqError
from actions.model.platform import Evidence
from actions.model.waiting import Deadline
from actions.model.workloads import KubernetesWorkload
from actions.platforms.kubernetes.following import Following
from actions.platforms.kubernetes.kinds import Paths, owned
from actions.platforms.kubernetes.pods import container_of, ending, finished, image_id, of_revision, ready, restarts
from actions.platforms.kubernetes.revisions import history, image_of, reference
from actions.platforms.kubernetes.stalling import Stall
from actions.platforms.kubernetes.standing import endpoint_slices
from actions.platforms.kubernetes.status import Progress, progress
from actions.platforms.protocols import Report

POLL_SECONDS = 0.5
"""The next look comes with the next event, and without one after so long."""

SOON_SECONDS = 0.05
"""The next look where no watch would tell: endpoints, and a second look at restarts."""

LOST_SECONDS = 0.2
"""The next try while the API does not answer."""


class Proof(Fact):
    """What one look found. `missing` is empty when everything is proved; else the next look is due in `again`."""

    missing: str
    text: str = ""
    again: float = POLL_SECONDS


Look = Callable[[Json, Following], Awaitable[Proof]]


class RolloutWatch:
    """Follows one workload by watch, resumed after 410 and lost connections, until a deadline of its own clock.

    `left_over` is when an earlier rollout timed out; see `progress`.
    """

    def __init__(
        self, client: KubernetesReader, settings: KubernetesWorkload, uid: str, target: str, left_over: str = ""
    ) -> None:
        self._client, self._settings = client, settings
        self._paths = Paths.of(settings)
        self._uid, self._target, self._left_over = uid, target, left_over
        self._restarts: int | None = None
        self._stall = Stall()

    async def observed(self, deadline: Deadline) -> Evidence:
        """The controller has seen the target template. Raises VerifyFailed, OutOfSight."""

        async def look(workload: Json, _: Following) -> Proof:
            seen = (workload.get("status") or {}).get("observedGeneration", 0)
            missing = "" if seen >= workload["metadata"]["generation"] else "the controller has not seen it yet"
            return Proof(missing=missing, text=f"template {self._target[:12]} in place, generation {seen} observed")

        return Evidence(text=(await self._until(look, deadline, lambda _: None)).text)

    async def complete(self, deadline: Deadline, report: Report) -> Evidence:
        """The rollout is complete.

        Raises VerifyFailed at the deadline, or at once when it cannot complete; OutOfSight at the deadline where what
        became of it could not be seen.
        """
        proof = await self._until(self._prove, deadline, report)
        return Evidence(text=proof.text, data={"moved": True})

    async def _until(self, look: Look, deadline: Deadline, report: Report) -> Proof:
        """Who may read may be refused for a moment by a server that starts, so that decides nothing either."""
        said, lost = "", False
        async with Following(self._client) as following:
            while True:
                try:
                    async with asyncio.timeout(max(deadline.remaining(), 0.001)):
                        proof = await self._look(look, following)
                        lost, missing = False, proof.missing
                        if not missing:
                            return proof
                        if missing != said:
                            report(missing)
                        said = missing
                        await following.moved(proof.again)
                except TimeoutError:
                    pass
                except (Unreachable, Forbidden) as error:
                    if not lost:
                        report(error.message)
                    lost, said = True, error.message
                    self._stall.outage()
                    await asyncio.sleep(min(LOST_SECONDS, deadline.remaining()))
                if deadline.passed:
                    raise self._out_of_time(deadline, said or "no answer", lost or not said)

    def _out_of_time(self, deadline: Deadline, said: str, lost: bool) -> VqError:
        if lost:
            return OutOfSight(f"whether it is rolled out could not be seen within {deadline.seconds:.0f} s: {said}")
        return VerifyFailed(f"not rolled out within {deadline.seconds:.0f} s: {said}")

    async def _look(self, look: Look, following: Following) -> Proof:
        workload = await self._read()
        version = workload["metadata"]["resourceVersion"]
        following.follow(self._paths.apps(self._paths.kind.plural), version, named(self._settings.name))
        return await look(workload, following)

    async def _read(self) -> Json:
        name = self._settings.name
        try:
            workload = await self._client.get(self._paths.workload)
        except NotThere:
            raise Stale(f"{name} was deleted during the rollout") from None
        if workload["metadata"]["uid"] != self._uid:
            raise Stale(f"{name} was deleted and made anew during the rollout")
        if reference(workload["spec"]["template"]) != self._target:
            raise VerifyFailed(f"somebody else set another template of {name} during the rollout")
        return workload

    async def _prove(self, workload: Json, following: Following) -> Proof:
        state = progress(self._paths.kind.name, workload, self._left_over)
        if state.failed:
            raise VerifyFailed(state.failed)
        if not state.done and not state.given_up:
            self._stall.look(workload, [])
            return Proof(missing=state.text)
        pods = await self._pods(workload, following)
        if state.given_up:
            self._stall.look(workload, pods)
            if self._stall.final(workload, pods):
                raise VerifyFailed(state.text)
            return Proof(missing=f"{state.text}; it may still complete")
        return self._settled(workload, state, pods) or await self._served(workload, state, pods)

    def _settled(self, workload: Json, state: Progress, pods: list[Json]) -> Proof | None:
        """What is missing of the pods themselves, None when nothing is."""
        if unready := [pod["metadata"]["name"] for pod in pods if not ready(pod)]:
            return Proof(missing=f"not ready: {', '.join(unready)}")
        restarted = sum(restarts(pod) for pod in pods)
        if self._restarts is not None and restarted > self._restarts:
            raise VerifyFailed(f"containers restart after the rollout ({restarted} restarts)")
        if self._restarts is None:
            self._restarts = restarted
            return Proof(missing="a second look that nothing restarts", again=SOON_SECONDS)
        return None

    async def _served(self, workload: Json, state: Progress, pods: list[Json]) -> Proof:
        """Ready endpoints, where there are pods and a Service is named; and what runs, for the record."""
        service = self._settings.service
        if service and pods and not await self._endpoints():
            return Proof(missing=f"service {service} has no ready endpoint", again=SOON_SECONDS)
        return Proof(missing="", text=f"{state.text}, {self._running(workload, pods)}")

    def _running(self, workload: Json, pods: list[Json]) -> str:
        """Which images the pods say they run. Readiness and the template are the proof.

        Ids differ by architecture, by container runtime, and where a tag was pushed again, which is worth a warning.
        """
        if not pods:
            return "size 0: nothing runs"
        template = workload["spec"]["template"]
        container = container_of(template, self._settings.container)
        ids = sorted({image_id(pod, container) for pod in pods} - {""})
        pinned = image_of(template, container).partition("@")[2]
        shown = ", ".join(one.rpartition("sha256:")[2][:12] for one in ids) or "not told"
        text = f"image {shown} on {len(pods)} pods"
        if len(ids) > 1:
            return f"{text} (warning: {len(ids)} ids of one image: other architectures, or its tag was pushed again)"
        if pinned and ids and ids != [pinned]:
            return f"{text} (pinned as {pinned.rpartition('sha256:')[2][:12]}, an index or named otherwise by the node)"
        return text

    async def _pods(self, workload: Json, following: Following) -> list[Json]:
        """Pods made from the target template that are to stay: neither ending nor finished, as kubectl counts them."""
        selected, path = labelled(workload["spec"].get("selector")), self._paths.core("pods")
        (listed, version), owner = await asyncio.gather(
            self._client.collection(path, selected), self._owner(workload, selected)
        )
        following.follow(path, version, selected)
        mine = [pod for pod in listed if owned(pod, owner) and _of_target(pod, workload)]
        return [pod for pod in mine if not ending(pod) and not finished(pod)]

    async def _owner(self, workload: Json, selected: Selected) -> str:
        """The uid of what makes the pods of the target template."""
        if self._paths.kind.history != "replicasets":
            return str(workload["metadata"]["uid"])
        kept, _ = await self._client.collection(self._paths.apps("replicasets"), selected)
        current = [one for one in history(self._paths.kind, workload, kept) if one.reference == self._target]
        return current[0].uid if current else ""

    async def _endpoints(self) -> int:
        slices = await endpoint_slices(self._client, self._paths, str(self._settings.service))
        return sum(
            (one.get("conditions") or {}).get("ready") is True for part in slices for one in part.get("endpoints") or []
        )


def _of_target(pod: Json, workload: Json) -> bool:
    """False for pods of a StatefulSet that its partition keeps on their old template."""
    partition = ((workload["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition")
    wanted = (workload.get("status") or {}).get("updateRevision")
    return not partition or of_revision(pod, str(wanted))
