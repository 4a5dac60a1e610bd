"""Endpoint slices: the pods of a service, with who of them is ready."""

from typing import TYPE_CHECKING

from tests.kubernetes.double.controllers.pods import finished, owner_reference, ready, terminating
from tests.kubernetes.double.kinds import ENDPOINT_SLICE, POD, SERVICE
from tests.kubernetes.double.status import Json

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

SERVICE_NAME = "kubernetes.io/service-name"


class Endpoints:
    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster

    def sync(self) -> None:
        for service in self._cluster.store.all(SERVICE):
            if service["spec"].get("selector"):
                self._sync(service)

    def _sync(self, service: Json) -> None:
        store, space = self._cluster.store, service["metadata"]["namespace"]
        wanted = service["spec"]["selector"].items()
        pods = [pod for pod in store.all(POD, space) if wanted <= (pod["metadata"].get("labels") or {}).items()]
        endpoints = [_endpoint(pod) for pod in pods if pod["status"].get("podIP") and not finished(pod)]
        slices = store.owned(ENDPOINT_SLICE, service)
        if slices:
            held = store.get(ENDPOINT_SLICE, space, slices[0]["metadata"]["name"])
            held["endpoints"] = endpoints
            store.write(ENDPOINT_SLICE, held)
            return
        name = service["metadata"]["name"]
        meta = {
            "name": f"{name}-{self._cluster.names.suffix(f'{name}-')}",
            "namespace": space,
            "labels": {SERVICE_NAME: name},
            "ownerReferences": [owner_reference(SERVICE, service)],
        }
        ports = [
            {"name": port.get("name", ""), "port": port.get("targetPort"), "protocol": "TCP"}
            for port in service["spec"].get("ports") or []
        ]
        self._cluster.create(
            ENDPOINT_SLICE, {"metadata": meta, "addressType": "IPv4", "endpoints": endpoints, "ports": ports}
        )


def _endpoint(pod: Json) -> Json:
    meta = pod["metadata"]
    serving = ready(pod)
    state = {"ready": serving and not terminating(pod), "serving": serving, "terminating": terminating(pod)}
    target = {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": state,
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": target,
    }
