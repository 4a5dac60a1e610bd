"""Whether a rollout that its controller has given up will still complete.

The verdict ProgressDeadlineExceeded is taken back at the next pod that turns ready, and after an outage of the API that
was longer than the deadline it is the first thing the controller writes, whatever the pods do.
"""

import time
from collections.abc import Callable, Hashable

from actions.clients.kubernetes_api import Json
from actions.platforms.kubernetes.pods import ready, waiting_for

HOPELESS = {
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
}
"""What a container waits for that no waiting cures."""

STILL_SECONDS = 15.0
"""A given up rollout that does not move for so long, or for its own deadline where that is shorter, has failed."""


class Stall:
    """How long nothing has moved while it could be seen. `outage` is called when it could not."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._seen: Hashable = None
        self._lost = False

    def outage(self) -> None:
        """Nothing can be seen now: what the controller says of this time is no verdict on the pods."""
        self._lost = True
        self._since = self._clock()

    def look(self, workload: Json, pods: list[Json]) -> None:
        """Take in how far it is."""
        now = tuple(sorted((pod["metadata"]["name"], ready(pod), *waiting_for(pod)) for pod in pods))
        counts = _counts(workload)
        if (now, counts) != self._seen:
            self._seen, self._since = (now, counts), self._clock()

    def final(self, workload: Json, pods: list[Json]) -> bool:
        """Whether the controller's verdict will stand."""
        unready = [pod for pod in pods if not ready(pod)]
        if not self._lost and unready and all(HOPELESS & set(waiting_for(pod)) for pod in unready):
            return True
        deadline = float(workload["spec"].get("progressDeadlineSeconds", STILL_SECONDS))
        return self._clock() - self._since >= min(STILL_SECONDS, deadline)


def _counts(workload: Json) -> tuple[int, ...]:
    status = workload.get("status") or {}
    fields = ("observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    return tuple(int(status.get(field, 0)) for field in fields)
