"""Kubernetes: a rollback against bare `rollout undo` and `rollout status`, and fifty services kept in view.

Both speak to the same API over HTTP, the double of the tests. The bare way is what kubectl does, by the official
client: read the Deployment and its replica sets, patch the template, ask for the status until it is rolled out. Ours
is the run's own clock, from the confirmed request to health proved from outside.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from actions.config import load
from actions.desk.ledger_door import NoLedger
from actions.health.readiness import readiness
from actions.platforms.access import Access
from actions.releases.gather import gather
from benchmarks.place import Place
from benchmarks.rollback import took
from benchmarks.table import Figure
from tests.conftest import Cli
from tests.end_to_end.on_kubernetes import IMAGE, KubernetesStage, on_kubernetes
from tests.end_to_end.stage import ENVIRONMENT, GOOD
from tests.end_to_end.toml import toml
from tests.kubernetes.double import KubernetesDouble, Pace

ROUNDS, REPLICAS = 5, 3
SERVICES, EVERY, SWEEPS = 50, 2.0, 10


def bare(double: KubernetesDouble) -> float:
    """Seconds of `kubectl rollout undo` and `kubectl rollout status`, without starting kubectl."""
    from kubernetes import client

    with double.client() as connection:
        apps, began = client.AppsV1Api(connection), time.perf_counter()
        deployment = apps.read_namespaced_deployment("api", "vq")
        kept = [
            one
            for one in apps.list_namespaced_replica_set("vq", label_selector="app=api").items
            if any(owner.uid == deployment.metadata.uid for owner in one.metadata.owner_references or [])
        ]
        kept.sort(key=lambda one: int(one.metadata.annotations["deployment.kubernetes.io/revision"]))
        template = connection.sanitize_for_serialization(kept[-2].spec.template)
        template["metadata"]["labels"].pop("pod-template-hash", None)
        patch = [{"op": "replace", "path": "/spec/template", "value": template}]
        apps.patch_namespaced_deployment("api", "vq", patch)
        while not rolled_out(apps.read_namespaced_deployment("api", "vq")):
            time.sleep(0.02)
        return time.perf_counter() - began


def rolled_out(deployment: Any) -> bool:
    """By kubectl's rule."""
    status, wanted = deployment.status, deployment.spec.replicas
    updated, total, available = status.updated_replicas or 0, status.replicas or 0, status.available_replicas or 0
    seen = (status.observed_generation or 0) >= deployment.metadata.generation
    return bool(seen and updated >= wanted and total <= updated and available >= updated)


def measured(stage: KubernetesStage) -> tuple[float, float]:
    """Medians of ours and the bare way, in turn, each from a release of its own."""
    stage.soaked(GOOD)
    ours, theirs = [], []
    for number in range(ROUNDS):
        stage.release(f"2.5.{number}")
        stage.seen(f"2.5.{number}")
        run = stage.roll_back()
        ours.append(took(run))
        stage.release(f"2.6.{number}")
        theirs.append(bare(stage.double))
    return statistics.median(ours), statistics.median(theirs)


def fifty(place: Place) -> dict[str, float]:
    """Fifty Deployments in the double, looked at by another process; its figures."""
    with KubernetesDouble(Pace(speed=50)) as double:
        names = [f"api-{number}" for number in range(SERVICES)]
        for version in (GOOD, "2.4.1"):
            for name in names:
                image = f"{IMAGE}:{version}"
                double.deployment(name, image, REPLICAS) if version == GOOD else double.release(name, image)
            for name in names:
                double.rolled_out(name, seconds=120)
        table = {
            "driver": "kubernetes",
            "kubeconfig": double.kubeconfig(place.directory / "fifty.kubeconfig"),
            "context": "double",
            "namespace": "vq",
        }
        services = {
            name: {"kind": "http", "url": "http://127.0.0.1:9", "workload": table | {"name": name}} for name in names
        }
        text = toml({"ledger": place.directory / "fifty", "environments": {ENVIRONMENT: {"services": services}}})
        words = [sys.executable, "-m", "benchmarks.kubernetes", str(place.config("fifty", text))]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as looking:
            assert looking.stdout is not None and looking.stdin is not None
            looking.stdout.readline()
            before = time.time()
            double.release(names[-1], f"{IMAGE}:2.4.2")
            found: dict[str, float] = json.loads(looking.stdout.readline())
        return found | {"seen": found["seen_at"] - before}


async def look(config: Path) -> None:
    """What a console does for fifty services: readiness of each, every two seconds; then one change is waited for."""
    environment = load(config).environments[ENVIRONMENT]
    access, ledger = Access(ENVIRONMENT, environment), NoLedger(config.parent)

    async def sweep() -> list[str]:
        facts = await asyncio.gather(*(gather(access, ledger, name) for name in environment.services))
        for one in facts:
            readiness(one)
        return [one.choice.current.version if one.choice.current else "" for one in facts]

    await sweep()
    await sweep()
    used, walls = time.process_time(), []
    for _ in range(SWEEPS):
        began = time.perf_counter()
        await sweep()
        walls.append(time.perf_counter() - began)
        await asyncio.sleep(EVERY - walls[-1])
    share = 100 * (time.process_time() - used) / (SWEEPS * EVERY)
    print("ready", flush=True)
    while "2.4.2" not in await sweep():
        await asyncio.sleep(0.05)
    print(json.dumps({"share": share, "wall": statistics.median(walls), "seen_at": time.time()}), flush=True)
    await access.close()


def measure(place: Place) -> list[Figure]:
    """Both."""
    folder = place.directory / "cluster"
    folder.mkdir()
    with on_kubernetes(folder, Cli(folder / "home"), replicas=REPLICAS) as stage:
        ours, theirs = measured(stage)
    found = fifty(place)
    undo = "baseline: rollout undo + rollout status; budget: that and 1 s"
    return [
        Figure("Kubernetes: confirm to verified", ours, "s", theirs + 1, theirs, note=undo),
        Figure("Kubernetes: 50 services every 2 s, processor", found["share"], "%", 2),
        Figure("Kubernetes: 50 services, one sweep", found["wall"], "s", 2),
        Figure("Kubernetes: a change in view", found["seen"], "s", 2),
    ]


if __name__ == "__main__":
    asyncio.run(look(Path(sys.argv[1])))
