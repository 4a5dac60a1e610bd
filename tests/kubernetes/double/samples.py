"""Objects as a team would write them, for tests to create."""

from tests.kubernetes.double.status import Json


def template(app: str, image: str, container: str = "api", probe: bool = True) -> Json:
    """A pod template with one container and, unless told otherwise, a readiness probe."""
    one: Json = {"name": container, "image": image}
    if probe:
        one["readinessProbe"] = {"httpGet": {"path": "/health", "port": 80}}
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": [one]}}


def deployment(name: str, image: str, replicas: int = 2, cause: str = "", deadline: int = 8, **spec: object) -> Json:
    """A Deployment that surges by one and never goes below its size; `spec` adds to or replaces fields of its spec."""
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    body: Json = {"replicas": replicas, "progressDeadlineSeconds": deadline, "revisionHistoryLimit": 5}
    body |= {"selector": {"matchLabels": {"app": name}}, "strategy": rolling, "template": template(name, image)}
    meta: Json = {"name": name}
    if cause:
        meta["annotations"] = {"kubernetes.io/change-cause": cause}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": body | spec}


def stateful_set(name: str, image: str, replicas: int = 2, **spec: object) -> Json:
    body: Json = {"replicas": replicas, "serviceName": name, "selector": {"matchLabels": {"app": name}}}
    body["template"] = template(name, image, container="w", probe=False)
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": body | spec}


def daemon_set(name: str, image: str, **spec: object) -> Json:
    body: Json = {"selector": {"matchLabels": {"app": name}}, "template": template(name, image, "agent", probe=False)}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name}, "spec": body | spec}


def service(name: str, app: str, port: int = 80) -> Json:
    spec = {"selector": {"app": app}, "ports": [{"name": "http", "port": port, "targetPort": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def autoscaler(name: str, deployment_name: str, least: int = 2, most: int = 6) -> Json:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment_name}
    spec = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": spec,
    }
