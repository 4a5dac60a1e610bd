"""The Kubernetes API double: a cluster in this process that the real client talks to over HTTP.

    with KubernetesDouble() as double:
        double.deployment("api", "virtualqueue-api:1.4.1")
        double.rolled_out("api")
        apps = kubernetes.client.AppsV1Api(double.client())

Held to the recordings of a real 1.36 API server by `tests/kubernetes/test_recordings.py`.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.kubernetes.double import samples
from tests.kubernetes.double.access import Access, Rule
from tests.kubernetes.double.admission import Admission
from tests.kubernetes.double.api import VERSION, Api
from tests.kubernetes.double.application import Application
from tests.kubernetes.double.clock import Pace
from tests.kubernetes.double.cluster import Cluster
from tests.kubernetes.double.faults import Answer, Delay, Fault, Faults, Reset
from tests.kubernetes.double.images import Images, Names
from tests.kubernetes.double.kinds import DEPLOYMENT, NAMESPACE, POD, Kind, kind_named
from tests.kubernetes.double.kubeconfig import api_client, write
from tests.kubernetes.double.patches import json_patch, strategic_merge
from tests.kubernetes.double.rolled import is_rolled_out
from tests.kubernetes.double.server import Exchange, Listener
from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import missing_is_none
from tests.kubernetes.double.strategy import for_update
from tests.kubernetes.double.validation import validate

SPACE = "vq"
PATIENCE = 20.0


class KubernetesDouble:
    """A cluster with namespaces `default`, `kube-system`, `vq`, users `admin` and `viewer`, and one node.

    `manual` stops the clock: nothing moves but by `step`, `advance`, `settle`. `pace` sets the speed (see `Pace`);
    `metrics` serves metrics.k8s.io; `names` may be those of a recording. Parts: `access` (users, rules), `faults`,
    `images` (missing, sick, digests),
    `cluster`, `requests` (every exchange).
    """

    def __init__(
        self,
        pace: Pace | None = None,
        manual: bool = False,
        nodes: int = 1,
        metrics: bool = False,
        names: Names | None = None,
    ) -> None:
        self.cluster = Cluster(pace or Pace(), manual, nodes, metrics, names or Names())
        self.access, self.faults, self.admission = Access(), Faults(), Admission()
        self.api = Api(self.cluster, self.access, self.admission)
        self.version = dict(VERSION)
        self.requests: list[Exchange] = []
        self._port = 0
        self._listener: Listener | None = None
        self._applications: list[Application] = []

    # --- life -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.up()
        self.cluster.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything. Raises RuntimeError if a controller had failed."""
        for application in self._applications:
            application.close()
        self.down()
        self.cluster.stop()
        self.cluster.check()

    def up(self) -> None:
        """Listen; after `down`, on the same port as before."""
        if self._listener is None:
            self._listener = Listener(self, self._port)
            self._port = self._listener.server_address[1]
            threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """The API is not there: connections are reset and new ones refused. The cluster itself goes on."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def drop_connections(self) -> None:
        """Reset every open connection, watches included; new ones are accepted."""
        if self._listener is not None:
            self._listener.cut()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def images(self) -> Images:
        """Change it through `disturb`, so that the kubelet looks again."""
        return self.cluster.images

    def disturb(self, change: Callable[[Images], object]) -> None:
        """Change what images do: `double.disturb(lambda images: images.missing.add("api:1.4.0"))`."""
        with self.cluster.store.lock:
            change(self.cluster.images)
        self.cluster.poke()

    def serve_application(self, app: str = "api", namespace: str = SPACE) -> Application:
        """An HTTP address that answers as the ready pods labelled `app=<app>` do, with their version."""
        self._applications.append(Application(self.cluster.store, namespace, f"app={app}"))
        return self._applications[-1]

    # --- the client's side ----------------------------------------------------------------------------------------

    def client(self, identity: str = "admin") -> Any:
        """A `kubernetes.client.ApiClient` of the real package for this user."""
        return api_client(self.url, self.access.token(identity))

    def kubeconfig(self, path: Path, identity: str = "admin", context: str = "double", namespace: str = SPACE) -> Path:
        """Write (or add to) a kubeconfig; the context given last is the current one."""
        return write(path, self.url, self.access.token(identity), identity, context, namespace)

    def allow(self, identity: str, rule: Rule) -> None:
        """Give a user one more right; an unknown user is made first."""
        held = self._user(identity)
        held.rules.append(rule)

    def deny(self, identity: str, rule: Rule) -> None:
        """Take rights from a user, whatever its other rules say."""
        self._user(identity).denied.append(rule)

    def _user(self, identity: str) -> Any:
        try:
            return self.access.identity(identity)
        except KeyError:
            return self.access.add(identity)

    def inject(self, does: Answer | Reset | Delay, **match: Any) -> Fault:
        """Put a fault before requests that match: `verb`, `resource`, `name`, `user`, `dry_run`, … (see `Fault`)."""
        return self.faults.add(Fault(does, **match))

    def writes(self, resource: str = "", name: str = "") -> list[Exchange]:
        """The requests whose effect took place, dry runs and access reviews aside."""
        return [
            one
            for one in list(self.requests)
            if one.applied and resource in ("", one.resource) and name in ("", one.name)
        ]

    # --- objects, changed by someone else than the client ---------------------------------------------------------

    def create(self, thing: Json, namespace: str = SPACE) -> Json:
        """Create any object, as a person with kubectl would."""
        kind = kind_named(thing["kind"])
        made = {**thing, "metadata": dict(thing["metadata"])}
        if kind.namespaced:
            self.cluster.add_namespace(namespace)
            made["metadata"]["namespace"] = namespace
        return self.cluster.create(kind, made)

    def deployment(self, name: str, image: str, replicas: int = 2, namespace: str = SPACE, **more: Any) -> Json:
        """Create a Deployment; `more`: `cause`, `deadline` (s), or any field of its spec."""
        return self.create(samples.deployment(name, image, replicas, **more), namespace)

    def statefulset(self, name: str, image: str, replicas: int = 2, namespace: str = SPACE, **spec: Any) -> Json:
        return self.create(samples.stateful_set(name, image, replicas, **spec), namespace)

    def daemonset(self, name: str, image: str, namespace: str = SPACE, **spec: Any) -> Json:
        return self.create(samples.daemon_set(name, image, **spec), namespace)

    def service(self, name: str, app: str = "", namespace: str = SPACE) -> Json:
        return self.create(samples.service(name, app or name), namespace)

    def autoscaler(self, name: str, deployment: str = "", namespace: str = SPACE) -> Json:
        return self.create(samples.autoscaler(name, deployment or name), namespace)

    def get(self, kind: str, name: str, namespace: str = SPACE) -> Json:
        """A copy of an object as it stands. Raises ApiError 404."""
        found = kind_named(kind)
        return self.cluster.store.get(found, namespace if found.namespaced else "", name)

    def all(self, kind: str, namespace: str = SPACE) -> list[Json]:
        """Snapshots of all objects of a kind; not to be changed."""
        with self.cluster.store.lock:
            return self.cluster.store.all(kind_named(kind), namespace if kind_named(kind).namespaced else None)

    def edit(self, kind: str, name: str, patch: Json | list[Json], namespace: str = SPACE) -> Json:
        """Change an object behind the client's back: a dict is a strategic merge, a list a JSON patch."""
        found, store = kind_named(kind), self.cluster.store
        with store.lock:
            old = store.get(found, namespace if found.namespaced else "", name)
            new = json_patch(old, patch) if isinstance(patch, list) else strategic_merge(old, patch)
            validate(found, for_update(found, old, new), old)
            new["metadata"].pop("managedFields", None)
            self.api.writes.note_managers(old, new, "kubectl-edit")
            return store.write(found, new)

    def release(self, name: str, image: str, cause: str = "", kind: str = "Deployment", namespace: str = SPACE) -> Json:
        """Set the image of the first container, as a release does."""
        held = self.get(kind, name, namespace)
        container = held["spec"]["template"]["spec"]["containers"][0]["name"]
        template = {"spec": {"containers": [{"name": container, "image": image}]}}
        patch: Json = {"spec": {"template": template}}
        if cause:
            patch["metadata"] = {"annotations": {"kubernetes.io/change-cause": cause}}
        return self.edit(kind, name, patch, namespace)

    def delete(self, kind: str, name: str, namespace: str = SPACE) -> None:
        """Delete at once."""
        found = kind_named(kind)
        self.cluster.store.remove(found, namespace if found.namespaced else "", name)

    def recreate(self, kind: str, name: str, namespace: str = SPACE) -> Json:
        """Delete an object and create it again: same name and spec, another uid."""
        held = self.get(kind, name, namespace)
        self.delete(kind, name, namespace)
        return self.create({"kind": kind_named(kind).name, **held}, namespace)

    def pods(self, app: str, namespace: str = SPACE) -> list[Json]:
        """Pods labelled `app=<app>`, the terminating ones included."""
        return [pod for pod in self.all(POD.name, namespace) if pod["metadata"].get("labels", {}).get("app") == app]

    def evict(self, pod: Json) -> None:
        """End a pod as a node does that runs short or is shut down: it stays, Failed, and is replaced elsewhere."""
        with self.cluster.store.lock:
            held = self.get(POD.name, pod["metadata"]["name"], pod["metadata"]["namespace"])
            held["status"] = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."}
            self.cluster.store.write_status(POD, held)

    def cluster_uid(self) -> str:
        """The uid of namespace kube-system, by which a cluster is told from another."""
        return str(self.get(NAMESPACE.name, "kube-system")["metadata"]["uid"])

    def compact(self) -> None:
        """Forget the history of changes: watches from before now get 410 Gone."""
        self.cluster.store.compact()

    def bookmark(self) -> None:
        """Send a bookmark to every watch that allows it."""
        self.cluster.store.bookmark()

    # --- time -----------------------------------------------------------------------------------------------------

    def step(self, times: int = 1) -> None:
        """Manual mode: let every controller take a step."""
        for _ in range(times):
            self.cluster.sync()

    def advance(self, seconds: float) -> None:
        """Manual mode: let cluster time pass, then settle."""
        self.cluster.clock.advance(seconds)
        self.cluster.settle()

    def settle(self) -> None:
        """Manual mode: let pods start, turn ready and end until nothing moves (deadlines are not waited for)."""
        self.cluster.settle()

    def wait(self, held: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Wait until `held()`; asked again on every change of the cluster. Raises AssertionError at the deadline."""
        self.cluster.wait(held, seconds, what)

    def rolled_out(
        self, name: str, kind: str = "Deployment", namespace: str = SPACE, seconds: float = PATIENCE
    ) -> Json:
        """Wait until a workload is rolled out by kubectl's rule, and at rest: no pod of it still ending."""
        found = kind_named(kind)
        if self.cluster.manual:
            self.settle()
        self.wait(lambda: self._done(found, name, namespace), f"{kind} {name} rolled out", seconds)
        return self.get(kind, name, namespace)

    def _done(self, kind: Kind, name: str, namespace: str) -> bool:
        thing = missing_is_none(lambda: self.cluster.store.peek(kind, namespace, name))
        return thing is not None and is_rolled_out(kind, thing)

    def condition(self, name: str, reason: str, namespace: str = SPACE, seconds: float = PATIENCE) -> Json:
        """Wait until a Deployment has a condition of this reason, e.g. `ProgressDeadlineExceeded`."""

        def held() -> bool:
            conditions = self.get(DEPLOYMENT.name, name, namespace)["status"].get("conditions") or []
            return any(one["reason"] == reason for one in conditions)

        self.wait(held, f"Deployment {name} {reason}", seconds)
        return self.get(DEPLOYMENT.name, name, namespace)
