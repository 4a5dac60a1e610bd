"""The kubelet: starts pods, turns them ready or not by their image, restarts them, ends them."""

import uuid
from typing import TYPE_CHECKING, Any

from tests.kubernetes.double.controllers.pods import finished, ready, terminating
from tests.kubernetes.double.kinds import NODE, POD, POD_METRICS
from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import copied, stamp

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

CRASH = {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"}


class Life:
    """What the kubelet remembers of one pod, in cluster seconds."""

    def __init__(self, born: float, address: str) -> None:
        self.born, self.address = born, address
        self.dying: float | None = None
        self.ready_since: float | None = None
        self.log: list[str] = []


class Kubelet:
    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self._lives: dict[str, Life] = {}
        self._addresses = 0

    def ready_for(self, pod: Json) -> float:
        """Cluster seconds since the pod turned ready; 0 when it is not."""
        since = self._life(pod).ready_since
        return 0.0 if since is None else self._cluster.clock.now() - since

    def log_of(self, pod: Json) -> list[str]:
        return self._life(pod).log

    def _life(self, pod: Json) -> Life:
        uid = pod["metadata"]["uid"]
        if uid not in self._lives:
            self._addresses += 1
            address = f"10.244.{self._addresses // 250}.{self._addresses % 250 + 1}"
            self._lives[uid] = Life(self._cluster.clock.now(), address)
        return self._lives[uid]

    def sync(self) -> None:
        """Of the pods that are to end one ends a step, so that its controllers see each of them go."""
        ended = False
        for pod in self._cluster.store.all(POD):
            life = self._life(pod)
            if terminating(pod):
                ended = self._end(pod, life, ended) or ended
            elif not finished(pod):
                self._run(pod, life)

    def _end(self, pod: Json, life: Life, wait: bool) -> bool:
        """Whether the pod is gone now."""
        now = self._cluster.clock.now()
        life.dying = now if life.dying is None else life.dying
        life.ready_since = None
        left = life.dying + self._cluster.pace.stop - now
        if left > 0 or wait:
            self._cluster.wake(left)
            return False
        space, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        self._cluster.store.remove(POD, space, name)
        if self._cluster.store.has(POD_METRICS, space, name):
            self._cluster.store.remove(POD_METRICS, space, name)
        del self._lives[pod["metadata"]["uid"]]
        return True

    def _run(self, pod: Json, life: Life) -> None:
        age = self._cluster.clock.now() - life.born
        pace = self._cluster.pace
        if age < pace.start:
            self._cluster.wake(pace.start - age)
            return
        new = copied(pod)
        if "nodeName" not in new["spec"]:
            nodes = self._cluster.store.all(NODE)
            new["spec"]["nodeName"] = nodes[0]["metadata"]["name"]
        held = [self._container(container, new, age) for container in pod["spec"]["containers"]]
        self._write_status(new, held, life)
        if new["spec"] != pod["spec"] or new["status"] != pod["status"]:
            self._cluster.store.write_whole(POD, new)
        self._note(pod, new, life)
        self._keep_images(new)

    def _keep_images(self, pod: Json) -> None:
        """A node lists the images it has pulled."""
        pulled = {one["image"]: one["imageID"] for one in pod["status"]["containerStatuses"] if one["imageID"]}
        node = self._cluster.store.get(NODE, "", pod["spec"]["nodeName"])
        held = node["status"].setdefault("images", [])
        known = {name for one in held for name in one["names"]}
        fresh = [image for image in pulled if image not in known]
        if fresh:
            held += [{"names": [image], "sizeBytes": 50_000_000} for image in fresh]
            self._cluster.store.write_status(NODE, node)

    def _container(self, container: Json, pod: Json, age: float) -> Json:
        """The status of one container at this age of its pod."""
        image, images, pace = container["image"], self._cluster.images, self._cluster.pace
        before: Json = next(
            (s for s in pod["status"].get("containerStatuses", []) if s["name"] == container["name"]), {}
        )
        base: Json = {"name": container["name"], "lastState": {}, "ready": False, "restartCount": 0, "image": image}
        running = "running" in before.get("state", {})
        if image in images.missing and not running:
            waiting = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}": not found'}
            return base | {"state": {"waiting": waiting}, "imageID": "", "started": False}
        base["imageID"] = before.get("imageID") or images.image_id(image)
        base["containerID"] = before.get("containerID") or f"containerd://{uuid.uuid4().hex}"
        started = before.get("state", {}).get("running") or {"startedAt": stamp(self._cluster.clock.wall())}
        if images.crashes(image):
            return base | self._crashing(age, before)
        if images.broken(image):
            return base | {"state": {"waiting": CRASH}, "restartCount": 3, "started": False}
        if age < pace.ready:
            self._cluster.wake(pace.ready - age)
        up = age >= pace.ready and image not in images.sick
        return base | {"state": {"running": started}, "ready": up, "started": True}

    def _crashing(self, age: float, before: Json) -> Json:
        """Runs and is ready for `crash` seconds, then waits `back_off` seconds, again and again."""
        pace = self._cluster.pace
        turn = pace.crash + pace.back_off
        rounds, within = divmod(max(age - pace.ready, 0.0), turn)
        down = within >= pace.crash
        self._cluster.wake((turn if down else pace.crash) - within, patient=True)
        restarts = int(rounds) + down
        ended = {"exitCode": 1, "reason": "Error", "finishedAt": stamp(self._cluster.clock.wall())}
        last = before.get("lastState") or {}
        if restarts and restarts != before.get("restartCount"):
            last = {"terminated": ended}
        started = before.get("state", {}).get("running") or {"startedAt": stamp(self._cluster.clock.wall())}
        state: Json = {"waiting": CRASH} if down else {"running": started}
        up = not down and age >= pace.ready
        return {"state": state, "lastState": last, "ready": up, "restartCount": restarts, "started": not down}

    def _write_status(self, pod: Json, containers: list[Json], life: Life) -> None:
        now = stamp(self._cluster.clock.wall())
        status = pod["status"]
        begun = all(one["imageID"] for one in containers)
        up = begun and all(one["ready"] for one in containers)
        life.ready_since = (life.ready_since or self._cluster.clock.now()) if up else None
        held = {one["type"]: one for one in status.get("conditions") or []}
        states = {"PodReadyToStartContainers": True, "Initialized": True, "Ready": up}
        states |= {"ContainersReady": up, "PodScheduled": True}
        generation = pod["metadata"]["generation"]
        status["conditions"] = [_condition(held.get(name), name, generation, on, now) for name, on in states.items()]
        status["observedGeneration"] = generation
        status["phase"] = "Running" if begun else "Pending"
        status["hostIP"] = "10.1.0.1"
        if begun:
            status |= {"podIP": life.address, "podIPs": [{"ip": life.address}]}
        status.setdefault("startTime", now)
        status["containerStatuses"] = sorted(containers, key=lambda one: str(one["name"]))

    def _note(self, old: Json, new: Json, life: Life) -> None:
        """Log lines, an event for an image that cannot be pulled, and use of cpu and memory where asked for."""
        images = [one["image"] for one in new["spec"]["containers"]]
        if ready(new) != ready(old):
            life.log.append(f"{stamp(self._cluster.clock.wall())} {images[0]} {'ready' if ready(new) else 'not ready'}")
        for one in new["status"]["containerStatuses"]:
            waiting: Any = one["state"].get("waiting") or {}
            if waiting.get("reason") == "ImagePullBackOff" and new["status"] != old["status"]:
                text = f'Failed to pull image "{one["image"]}": not found'
                self._cluster.events.record(POD, new, "Failed", text, "kubelet", "Warning")
        if POD_METRICS in self._cluster.kinds and ready(new):
            self._measure(new)

    def _measure(self, pod: Json) -> None:
        meta = {key: pod["metadata"][key] for key in ("name", "namespace", "labels")}
        if not self._cluster.store.has(POD_METRICS, meta["namespace"], meta["name"]):
            usage = {"cpu": "25m", "memory": "64Mi"}
            used = [{"name": one["name"], "usage": usage} for one in pod["spec"]["containers"]]
            now = stamp(self._cluster.clock.wall())
            self._cluster.create(POD_METRICS, {"metadata": meta, "timestamp": now, "window": "15s", "containers": used})


def _condition(held: Json | None, name: str, generation: int, state: bool, now: str) -> Json:
    word = "True" if state else "False"
    if held is not None and held["status"] == word:
        return held
    made = {"type": name, "observedGeneration": generation, "status": word}
    return made | {"lastProbeTime": None, "lastTransitionTime": now}
