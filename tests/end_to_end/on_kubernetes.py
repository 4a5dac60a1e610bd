"""A workload of each kind in the Kubernetes double, served to the outside."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import Cli
from tests.end_to_end.stage import GOOD, Stage
from tests.kubernetes.double import KubernetesDouble

IMAGE = "registry.local/virtualqueue-api"
KINDS = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}


class KubernetesStage(Stage):
    """A stage whose cluster a test may disturb."""

    double: KubernetesDouble


def workload(double: KubernetesDouble, folder: Path, kind: str = "deployment", user: str = "admin") -> dict[str, Any]:
    """The table of the workload, seen as this user."""
    config = double.kubeconfig(folder / f"{user}.kubeconfig", user)
    table = {"driver": "kubernetes", "kubeconfig": config, "context": "double", "namespace": "vq"}
    data = {"stateful_data_compatible": True} if kind == "statefulset" else {}
    return table | {"kind": kind, "name": "api"} | data


@contextmanager
def on_kubernetes(folder: Path, cli: Cli, kind: str = "deployment", **more: Any) -> Iterator[KubernetesStage]:
    """2.4.0 rolled out."""
    with KubernetesDouble() as double:
        make = {"deployment": double.deployment, "statefulset": double.statefulset, "daemonset": double.daemonset}
        make[kind]("api", f"{IMAGE}:{GOOD}", **more)
        double.service("api")
        double.rolled_out("api", kind=KINDS[kind])

        def release(version: str) -> None:
            double.release("api", f"{IMAGE}:{version}", cause=f"release {version}", kind=KINDS[kind])
            double.rolled_out("api", kind=KINDS[kind])

        table = workload(double, folder, kind) | {"service": "api"}
        stage = KubernetesStage(kind, cli, folder, {"url": double.serve_application().url, "workload": table}, release)
        stage.double = double
        yield stage
