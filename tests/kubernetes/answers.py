"""The requests behind `recordings/answers-1.36.2.json`, sent to the double; what is random in the answers is masked."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from tests.kubernetes.double import KubernetesDouble
from tests.kubernetes.masking import masked

Json = dict[str, Any]
APPS, CORE = "/apis/apps/v1/namespaces/vq", "/api/v1/namespaces/vq"
DEPLOYMENTS, X1 = f"{APPS}/deployments", f"{APPS}/deployments/x1"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
JSON, JSON_PATCH, MERGE = "application/json", "application/json-patch+json", "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
DRY = {"dryRun": "All"}
IMAGE = "/spec/template/spec/containers/0/image"


def workload(name: str, kind: str = "Deployment", image: str = "reg/x:1.0.0", **spec: object) -> Json:
    """A small workload with one container."""
    pod = {"terminationGracePeriodSeconds": 1, "containers": [{"name": "x", "image": image}]}
    body: Json = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, **spec}
    body["template"] = {"metadata": {"labels": {"app": name}}, "spec": pod}
    if kind == "DaemonSet":
        del body["replicas"]
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "labels": {"app": name}}, "spec": body}


def operation(word: str, path: str, **value: object) -> list[Json]:
    """A JSON patch of one operation."""
    return [{"op": word, "path": path, **value}]


def labelled(app: str) -> dict[str, str]:
    return {"labelSelector": f"app={app}"}


class Answers:
    """Asks everything in the recorded order; `seen` has the answers by name. The double must be a manual one."""

    def __init__(self, double: KubernetesDouble, mask: Callable[[Any], Any] = masked) -> None:
        self.seen: dict[str, Any] = {}
        self._double, self._mask = double, mask
        double.access.add("viewer")
        self._http = httpx.Client(base_url=double.url, trust_env=False, timeout=20)

    def run(self) -> dict[str, Any]:
        with self._http:
            self._creation()
            self._json_patches()
            self._other_changes()
            self._rights()
            self._lists()
            self._stateful_set()
            self._daemon_set()
            self._deletion_of_pods()
            self._rollouts()
            self._scaling()
            self._end()
        return self.seen

    def ask(
        self,
        name: str,
        method: str,
        path: str,
        body: object = None,
        content: str = JSON,
        user: str = "admin",
        query: dict[str, str] | None = None,
    ) -> Any:
        """The body of the answer; with a name, the whole answer is kept."""
        token = self._double.access.token("no-such" if user == "nobody" else user)
        sent = None if body is None else body if isinstance(body, str) else json.dumps(body)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": content}
        answer = self._http.request(method, path, params=query or {}, headers=headers, content=sent)
        try:
            found = answer.json()
        except ValueError:
            found = answer.text
        told = {key: answer.headers[key] for key in ("retry-after", "warning") if key in answer.headers}
        if name:
            self.seen[name] = self._mask({"status": answer.status_code, "headers": told, "body": copy.deepcopy(found)})
        return found

    def patch(self, name: str, body: object, content: str = JSON_PATCH, **query: str) -> None:
        self.ask(name, "PATCH", X1, body, content, query=query)

    def _creation(self) -> None:
        self.ask("create", "POST", DEPLOYMENTS, workload("x1"))
        self._double.settle()
        self.ask("get settled", "GET", X1)
        self.ask("create twice", "POST", DEPLOYMENTS, workload("x1"))
        elsewhere = {**workload("x9"), "metadata": {"name": "x9", "namespace": "other"}}
        self.ask("create wrong namespace", "POST", DEPLOYMENTS, elsewhere)
        self.ask("create in no namespace", "POST", "/apis/apps/v1/namespaces/nowhere/deployments", workload("x9"))
        self.ask("create bad name", "POST", DEPLOYMENTS, workload("X_9"))
        self.ask("create no image", "POST", DEPLOYMENTS, workload("x9", image=""))
        unknown = {**workload("x9"), "specs": 1}
        self.ask("create unknown field", "POST", DEPLOYMENTS, unknown, query=DRY)
        strict = {**DRY, "fieldValidation": "Strict"}
        self.ask("create unknown field strict", "POST", DEPLOYMENTS, unknown, query=strict)

    def _json_patches(self) -> None:
        held = self.ask("", "GET", X1)
        uid, generation = held["metadata"]["uid"], held["metadata"]["generation"]
        same = [*operation("test", "/metadata/uid", value=uid)]
        same += operation("test", "/metadata/generation", value=generation)
        same += operation("replace", "/spec/template", value=held["spec"]["template"])
        labels = "/spec/template/metadata/labels"
        self.patch("jp same template (no change)", same, fieldManager="vq-tui")
        self.patch("jp test uid wrong", operation("test", "/metadata/uid", value="nope"))
        self.patch("jp test generation wrong", operation("test", "/metadata/generation", value=99))
        self.patch("jp test generation float", operation("test", "/metadata/generation", value=1.0), **DRY)
        self.patch("jp test generation string", operation("test", "/metadata/generation", value="1"), **DRY)
        self.patch("jp replace missing path", operation("replace", "/spec/nothing/here", value=1))
        self.patch("jp remove missing path", operation("remove", "/metadata/annotations/none"))
        self.patch("jp test missing path null", operation("test", "/spec/paused", value=None), **DRY)
        self.patch("jp not a list", {"op": "test"})
        self.patch("jp broken json", "[{")
        self.patch("jp unknown op", operation("frob", "/spec/replicas", value=1))
        self.patch("jp wrong type", operation("replace", "/spec/replicas", value="two"))
        self.patch("jp unknown field in template", operation("add", "/spec/template/spec/unknownThing", value=1), **DRY)
        self.patch("jp selector mismatch", operation("replace", labels, value={"app": "y"}))
        self.patch("jp selector change", operation("replace", "/spec/selector", value={"matchLabels": {"app": "y"}}))
        self.patch("jp empty list", [])
        hashed = operation("add", f"{labels}/pod-template-hash", value="55d4868c98")
        self.patch("jp with hash label left in", hashed, **DRY)

    def _other_changes(self) -> None:
        self.patch("stale rv by merge patch", {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 2}}, MERGE)
        self.patch("uid by merge patch", {"metadata": {"uid": "abc"}}, MERGE)
        self.patch("unknown content type", {"a": 1}, JSON)
        applier = {"fieldManager": "argocd-controller", **DRY}
        self.patch("ssa yaml", workload("x1"), APPLY, **applier)
        self.patch("ssa conflict", workload("x1", image="reg/x:9"), APPLY, **applier)
        for name, meta in (("put stale", {"resourceVersion": "1"}), ("put wrong uid", {"uid": "1234"})):
            self.ask(name, "PUT", X1, {**workload("x1"), "metadata": {"name": "x1", **meta}})
        self.ask("put other name", "PUT", X1, workload("x2"))
        self.ask("not found", "GET", f"{DEPLOYMENTS}/none")
        self.ask("patch not found", "PATCH", f"{DEPLOYMENTS}/none", [], JSON_PATCH)
        self.ask("unknown resource", "GET", f"{APPS}/frobs")
        self.ask("unknown group", "GET", "/apis/metrics.k8s.io/v1beta1/namespaces/vq/pods")

    def _rights(self) -> None:
        self.ask("401", "GET", X1, user="nobody")
        self.ask("403 get", "GET", X1, user="viewer")
        self.ask("403 list", "GET", DEPLOYMENTS, user="viewer")
        self.ask("403 patch", "PATCH", X1, [], JSON_PATCH, user="viewer")
        self.ask("403 nodes", "GET", "/api/v1/nodes", user="viewer")
        self.ask("403 pods", "GET", f"{CORE}/pods", user="viewer")
        self.ask("403 watch", "GET", DEPLOYMENTS, user="viewer", query={"watch": "true"})
        self.ask("403 log", "GET", f"{CORE}/pods/p/log", user="viewer")
        self.ask("version", "GET", "/version", user="viewer")
        self.ask("version 401", "GET", "/version", user="nobody")
        right = {"verb": "patch", "group": "apps", "resource": "deployments", "namespace": "vq"}
        review = {"kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": right}}
        review["apiVersion"] = "authorization.k8s.io/v1"
        self.ask("review denied", "POST", REVIEWS, review, user="viewer")
        self.ask("review admin", "POST", REVIEWS, review)

    def _lists(self) -> None:
        self.ask("list bad continue", "GET", DEPLOYMENTS, query={"limit": "1", "continue": "abc"})
        self.ask("list limit 1", "GET", f"{CORE}/pods", query={"limit": "1"})
        watch = {"watch": "true", "resourceVersion": "abc", "timeoutSeconds": "1"}
        self.ask("watch bad rv", "GET", DEPLOYMENTS, query=watch)
        self.ask("log of no pod", "GET", f"{CORE}/pods/none/log")
        self.ask("replicasets", "GET", f"{APPS}/replicasets", query=labelled("x1"))
        self.ask("pods", "GET", f"{CORE}/pods", query=labelled("x1"))

    def _stateful_set(self) -> None:
        path = f"{APPS}/statefulsets"
        self.ask("create ss", "POST", path, workload("s1", "StatefulSet", serviceName="s1"))
        self._double.settle()
        self.ask("get ss", "GET", f"{path}/s1")
        self.ask("ss forbidden change", "PATCH", f"{path}/s1", {"spec": {"serviceName": "z"}}, MERGE)
        newer = operation("replace", IMAGE, value="reg/x:2.0.0")
        self.ask("ss update image", "PATCH", f"{path}/s1", newer, JSON_PATCH)
        self._double.settle()
        self.ask("get ss after", "GET", f"{path}/s1")
        self.ask("ss revisions", "GET", f"{APPS}/controllerrevisions", query=labelled("s1"))
        self.ask("ss pods", "GET", f"{CORE}/pods", query=labelled("s1"))

    def _daemon_set(self) -> None:
        path, revisions = f"{APPS}/daemonsets", f"{APPS}/controllerrevisions"
        self.ask("create ds", "POST", path, workload("d1", "DaemonSet"))
        self._double.settle()
        self.ask("get ds", "GET", f"{path}/d1")
        self.ask("ds revisions", "GET", revisions, query=labelled("d1"))
        newer = operation("replace", IMAGE, value="reg/x:2.0.0")
        self.ask("ds update", "PATCH", f"{path}/d1", newer, JSON_PATCH)
        self._double.settle()
        self.ask("get ds after", "GET", f"{path}/d1")
        self.ask("ds pods", "GET", f"{CORE}/pods", query=labelled("d1"))
        self.ask("ds revisions after", "GET", revisions, query=labelled("d1"))

    def _deletion_of_pods(self) -> None:
        options: Json = {"apiVersion": "v1", "kind": "DeleteOptions"}
        other = {**options, "preconditions": {"uid": "11111111-2222-3333-4444-555555555555"}}
        self.ask("delete pod wrong uid", "DELETE", f"{CORE}/pods/s1-0", other)
        self.ask("delete pod none", "DELETE", f"{CORE}/pods/none", options)

    def _rollouts(self) -> None:
        self.patch("", {"spec": {"progressDeadlineSeconds": 5}}, MERGE)
        self._double.settle()
        self._watched("watch rollout 2.0.0", self._image("reg/x:2.0.0"))
        self._watched("watch rollout bad", self._image("reg/x:3.0.0-bad"), passing=6)
        self.ask("get bad", "GET", X1)
        self._watched("watch undo from bad", self._image("reg/x:2.0.0"))
        self._watched("watch pause", self._spec(paused=True))
        self._watched("watch change paused", self._image("reg/x:4.0.0"))
        self._watched("watch resume", self._spec(paused=None))

    def _scaling(self) -> None:
        self._watched("watch scale 2 to 3", self._spec(replicas=3))
        self._watched("watch scale to 0", self._spec(replicas=0))
        self._watched("watch template at 0 replicas", self._image("reg/x:5.0.0"))
        self.ask("replicasets end", "GET", f"{APPS}/replicasets", query=labelled("x1"))

    def _end(self) -> None:
        foreground = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"}
        self._watched("watch delete", lambda: self.ask("", "DELETE", X1, foreground))
        self.ask("", "POST", DEPLOYMENTS, workload("x2"))
        self._double.settle()
        background = {**foreground, "propagationPolicy": "Background"}
        self.ask("delete background", "DELETE", f"{DEPLOYMENTS}/x2", background)

    def _image(self, image: str) -> Callable[[], object]:
        return lambda: self.patch("", operation("replace", IMAGE, value=image))

    def _spec(self, **fields: object) -> Callable[[], object]:
        return lambda: self.patch("", {"spec": fields}, MERGE)

    def _watched(self, name: str, change: Callable[[], object], passing: float = 0) -> None:
        """What a watch since before the change has seen once everything rests; `passing` is cluster seconds after."""
        since = self.ask("", "GET", DEPLOYMENTS)["metadata"]["resourceVersion"]
        change()
        self._double.settle()
        if passing:
            self._double.advance(passing)
        query = {"watch": "true", "resourceVersion": since, "timeoutSeconds": "0", "allowWatchBookmarks": "true"}
        headers = {"Authorization": f"Bearer {self._double.access.token('admin')}"}
        with self._http.stream("GET", DEPLOYMENTS, params=query, headers=headers) as stream:
            self.seen[name] = self._mask(list(map(self._told, map(json.loads, stream.iter_lines()))))

    def _told(self, event: Json) -> str:
        """One event in a line: generation, revision, counts and conditions."""
        thing, meta = event["object"], event["object"]["metadata"]
        if event["type"] == "BOOKMARK":
            return "BOOKMARK " + ",".join(sorted(meta))
        status = thing.get("status", {})
        return " ".join(
            [
                f"{event['type']} gen={meta['generation']} obs={status.get('observedGeneration')}",
                f"rev={meta.get('annotations', {}).get('deployment.kubernetes.io/revision')}",
                *_counts(status),
                f"repl={status.get('replicas')} | {self._conditions(status)}",
            ]
        )

    def _conditions(self, status: Json) -> str:
        held = status.get("conditions", [])
        return "; ".join(f"{one['type']}={one['status']}/{one['reason']} {self._mask(one['message'])}" for one in held)


def _counts(status: Json) -> Iterator[str]:
    for key, value in sorted(status.items()):
        if key.endswith("Replicas"):
            yield f"{key.removesuffix('Replicas')}={value}"
