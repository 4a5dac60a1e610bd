"""The cluster behind the API: store, controllers, kubelet, and the loop that moves them."""

import threading
import time
from typing import Protocol

from tests.kubernetes.double import kinds
from tests.kubernetes.double.clock import Clock, Pace
from tests.kubernetes.double.controllers.daemonsets import DaemonSets
from tests.kubernetes.double.controllers.deployments import Deployments
from tests.kubernetes.double.controllers.endpoints import Endpoints
from tests.kubernetes.double.controllers.events import Recorder
from tests.kubernetes.double.controllers.garbage import Garbage
from tests.kubernetes.double.controllers.kubelet import Kubelet
from tests.kubernetes.double.controllers.replicasets import ReplicaSets
from tests.kubernetes.double.controllers.statefulsets import StatefulSets
from tests.kubernetes.double.images import Images, Names
from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import Store
from tests.kubernetes.double.strategy import for_create


class Controller(Protocol):
    def sync(self) -> None:
        """One step of progress for every object of the controller's kind."""


class Cluster:
    """Holds the parts together. `sync` moves every controller one step; unless manual, a thread does so on a change."""

    def __init__(self, pace: Pace, manual: bool, nodes: int, metrics: bool, names: Names) -> None:
        self.pace, self.manual = pace, manual
        self.clock = Clock(pace.speed, manual)
        self.images, self.names = Images(), names
        self.store = Store(self.clock.wall, names.uid)
        self.events = Recorder(self)
        self.kubelet = Kubelet(self)
        self.kinds = (*kinds.KINDS, kinds.POD_METRICS) if metrics else kinds.KINDS
        self.failure: BaseException | None = None
        self.stopping = threading.Event()
        self._controllers: tuple[Controller, ...] = (
            Garbage(self),
            Deployments(self),
            ReplicaSets(self),
            StatefulSets(self),
            DaemonSets(self),
            self.kubelet,
            Endpoints(self),
        )
        self.steps = 0
        self._synced = -1
        self._wakes: list[tuple[float, bool]] = []
        self._thread: threading.Thread | None = None
        for number in range(1, nodes + 1):
            self._add_node(f"node-{number}")
        for name in ("default", "kube-system", "vq"):
            self.add_namespace(name)

    def create(self, kind: kinds.Kind, thing: Json) -> Json:
        """Store an object made by a controller or by a test."""
        return self.store.create(kind, for_create(kind, thing))

    def add_namespace(self, name: str) -> None:
        if not self.store.has(kinds.NAMESPACE, "", name):
            labels = {"kubernetes.io/metadata.name": name}
            self.create(kinds.NAMESPACE, {"metadata": {"name": name, "labels": labels}, "spec": {}})

    def _add_node(self, name: str) -> None:
        made = self.create(kinds.NODE, {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}})
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
        made["status"] = {"conditions": [ready], "addresses": [{"type": "InternalIP", "address": "10.1.0.1"}]}
        self.store.write_status(kinds.NODE, made)

    def wake(self, seconds: float, patient: bool = False) -> None:
        """Ask for a step in so many cluster seconds; `settle` does not wait for a `patient` one (a deadline)."""
        self._wakes.append((self.clock.now() + max(seconds, 0.0), patient))

    def poke(self) -> None:
        """Something outside the store has changed (an image, say): take a step."""
        with self.store.changed:
            self._synced = -1
            self.store.changed.notify_all()

    def sync(self) -> bool:
        """One step of every controller; whether anything changed."""
        with self.store.lock:
            before = self.store.version
            self.steps += 1
            self._wakes.clear()
            for controller in self._controllers:
                controller.sync()
            self._synced = before
            return self.store.version != before

    def settle(self, steps: int = 500) -> None:
        """Manual mode: step, and let time pass for pods, until nothing moves. Raises RuntimeError if it never rests."""
        for _ in range(steps):
            if self.sync():
                continue
            due = [at for at, patient in self._wakes if not patient]
            if not due:
                return
            self.clock.advance(max(min(due) - self.clock.now(), 0.001))
        raise RuntimeError(f"the cluster does not come to rest in {steps} steps")

    def start(self) -> None:
        if not self.manual:
            self._thread = threading.Thread(target=self._run, name="kubernetes-double", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        with self.store.changed:
            self.store.changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _pause(self) -> float | None:
        """Real seconds until the next step is due; None when only a change can make it due. Under the lock."""
        if self.store.version != self._synced:
            return 0.0
        if not self._wakes:
            return None
        return max(min(at for at, _ in self._wakes) - self.clock.now(), 0.0) / self.clock.speed

    def _run(self) -> None:
        try:
            while not self.stopping.is_set():
                with self.store.changed:
                    pause = self._pause()
                    if pause is None or pause > 0:
                        self.store.changed.wait(pause)
                        pause = self._pause()
                if pause == 0 and not self.stopping.wait(self.pace.step):
                    self.sync()
        except BaseException as error:
            self.failure = error  # raised again by `check`, in the thread of the test

    def check(self) -> None:
        """Raise what a controller died of, so that no test waits for a cluster that stands still."""
        if self.failure is not None:
            raise RuntimeError("a controller of the double has failed") from self.failure

    def wait(self, held: "Condition", seconds: float, what: str) -> None:
        """Until `held()`; asked on every change, without the store's lock. Raises AssertionError at the deadline."""
        until = time.monotonic() + seconds
        while True:
            seen = self.store.version
            if held():
                return
            self.check()
            left = until - time.monotonic()
            if left <= 0:
                raise AssertionError(f"after {seconds} s still not: {what}")
            with self.store.changed:
                if self.store.version == seen:
                    self.store.changed.wait(min(left, 0.1))


class Condition(Protocol):
    def __call__(self) -> bool: ...
