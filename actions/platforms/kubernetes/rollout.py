"""Watching a rollout to its end: kubectl's rules, then template, digests, restarts and ready endpoints."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from actions.clients.kubernetes_api import Json, KubernetesReader
from actions.clients.kubernetes_errors import Expired, Forbidden, NotThere, Throttled
from actions.model.base import Fact
from actions.model.environment import KubernetesWorkload
from actions.model.errors import Refused, Stale, Unreachable, VerifyFailed
from actions.model.platform import Evidence
from actions.model.waiting import Deadline
from actions.platforms.kubernetes.kinds import Paths, owned
from actions.platforms.kubernetes.pods import container_of, ending, finished, image_id, of_revision, ready, restarts
from actions.platforms.kubernetes.revisions import history, image_of, reference
from actions.platforms.kubernetes.standing import endpoint_slices
from actions.platforms.kubernetes.status import progress
from actions.platforms.protocols import Report

POLL_SECONDS = 0.5


class Proof(Fact):
    """What one look found. `missing` is empty when everything is proved."""

    missing: str
    text: str = ""


Look = Callable[[Json], Awaitable[Proof]]


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

    async def observed(self, deadline: Deadline) -> Evidence:
        """The controller has seen the target template. Raises VerifyFailed."""

        async def look(workload: Json) -> Proof:
            seen = (workload.get("status") or {}).get("observedGeneration", 0)
            missing = "" if seen >= workload["metadata"]["generation"] else "the controller has not seen it yet"
            return Proof(missing=missing, text=f"template {self._target[:12]} in place, generation {seen} observed")

        return Evidence(text=(await self._until(look, deadline, lambda _: None)).text)

    async def complete(self, deadline: Deadline, report: Report) -> Evidence:
        """The rollout is complete. Raises VerifyFailed at the deadline, or at once when it cannot complete."""
        proof = await self._until(self._prove, deadline, report)
        return Evidence(text=proof.text, data={"moved": True})

    async def _until(self, look: Look, deadline: Deadline, report: Report) -> Proof:
        said = ""
        while True:
            missing = ""
            try:
                async with asyncio.timeout(max(deadline.remaining(), 0.001)):
                    workload = await self._read()
                    proof = await look(workload)
                    if not proof.missing:
                        return proof
                    missing = proof.missing
                    if missing != said:
                        report(missing)
                        said = missing
                    await self._next_event(workload)
            except TimeoutError:
                pass
            except (Unreachable, Throttled) as error:
                said = missing = error.message
                await asyncio.sleep(min(POLL_SECONDS, deadline.remaining()))
            if deadline.passed:
                raise VerifyFailed(f"not rolled out within {deadline.seconds:.0f} s: {missing or said or 'no answer'}")

    async def _read(self) -> Json:
        try:
            workload = await self._client.get(self._paths.workload)
        except NotThere:
            raise Stale(f"{self._settings.name} was deleted during the rollout") from None
        if workload["metadata"]["uid"] != self._uid:
            raise Stale(f"{self._settings.name} was deleted and made anew during the rollout")
        if reference(workload["spec"]["template"]) != self._target:
            raise VerifyFailed(f"somebody else set another template of {self._settings.name} during the rollout")
        return workload

    async def _next_event(self, workload: Json) -> None:
        """Return when anything in the watched collection moves, at the latest after a short while."""
        path, pause = self._paths.apps(self._paths.kind.plural), Deadline(POLL_SECONDS)
        with contextlib.suppress(Expired, Refused, Unreachable, TimeoutError):  # the next read says what is wrong
            async with asyncio.timeout(POLL_SECONDS):
                async for event in self._client.watch(path, workload["metadata"]["resourceVersion"], 5):
                    if event["type"] != "BOOKMARK" and event["object"]["metadata"].get("uid") == self._uid:
                        return
        await asyncio.sleep(pause.remaining())  # a watch that is refused or ends at once must not make this spin

    async def _prove(self, workload: Json) -> Proof:
        state = progress(self._paths.kind.name, workload, self._left_over)
        if state.failed:
            raise VerifyFailed(state.failed)
        if not state.done:
            return Proof(missing=state.text)
        pods = await self._pods(workload)
        if unready := [pod["metadata"]["name"] for pod in pods if not ready(pod)]:
            return Proof(missing=f"not ready: {', '.join(unready)}")
        template = workload["spec"]["template"]
        container = container_of(template, self._settings.container)
        digests = {image_id(pod, container) for pod in pods}
        if "" in digests:
            return Proof(missing=f"what image container {container} runs is not told yet")
        if len(digests) > 1:
            return Proof(missing=f"pods run {len(digests)} different images")
        pinned = image_of(template, container).partition("@")[2]
        if pinned and digests - {pinned}:
            raise VerifyFailed(f"pods run another image than the pinned {pinned[:19]}")
        restarted = sum(restarts(pod) for pod in pods)
        if self._restarts is not None and restarted > self._restarts:
            raise VerifyFailed(f"containers restart after the rollout ({restarted} restarts)")
        if self._restarts is None:
            self._restarts = restarted
            return Proof(missing="a second look that nothing restarts")
        if self._settings.service and not await self._endpoints():
            return Proof(missing=f"service {self._settings.service} has no ready endpoint")
        shown = next(iter(digests), "unknown").rpartition("sha256:")[2][:12]
        return Proof(missing="", text=f"{state.text}, image {shown} on {len(pods)} pods")

    async def _pods(self, workload: Json) -> list[Json]:
        """Pods made from the target template that are to stay: neither ending nor finished, as kubectl counts them."""
        listed, _ = await self._client.collection(self._paths.core("pods"))
        owner = workload["metadata"]["uid"]
        if self._paths.kind.history == "replicasets":
            kept, _ = await self._client.collection(self._paths.apps("replicasets"))
            current = [one for one in history(self._paths.kind, workload, kept) if one.reference == self._target]
            owner = current[0].uid if current else ""
        mine = [pod for pod in listed if owned(pod, owner) and _of_target(pod, workload)]
        return [pod for pod in mine if not ending(pod) and not finished(pod)]

    async def _endpoints(self) -> int:
        try:
            slices = await endpoint_slices(self._client, self._paths, str(self._settings.service))
        except Forbidden as error:
            raise VerifyFailed(f"ready endpoints cannot be proved: {error.message}") from None
        return sum(
            (one.get("conditions") or {}).get("ready") is True for part in slices for one in part.get("endpoints") or []
        )


def _of_target(pod: Json, workload: Json) -> bool:
    """False for pods of a StatefulSet that its partition keeps on their old template."""
    partition = ((workload["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition")
    wanted = (workload.get("status") or {}).get("updateRevision")
    return not partition or of_revision(pod, str(wanted))
