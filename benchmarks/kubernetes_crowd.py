"""Kubernetes: one service in a namespace of thirty other pods and of three thousand, looked at by another process.

Its memory is that of a process which gathers and judges, without the screens.
"""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

from actions.config import load
from actions.desk.ledger_door import NoLedger
from actions.health.readiness import readiness
from actions.platforms.access import Access
from actions.releases.gather import gather
from benchmarks.place import Place
from benchmarks.table import Figure
from tests.end_to_end.on_kubernetes import IMAGE
from tests.end_to_end.stage import ENVIRONMENT, GOOD
from tests.end_to_end.toml import toml
from tests.kubernetes.crowding import crowd
from tests.kubernetes.double import KubernetesDouble, Pace

FEW, MANY, SWEEPS = 30, 3000, 50


def looked_at(place: Place, others: int) -> dict[str, float]:
    """Seconds of a first and of a later sweep, and megabytes, beside so many pods of others."""
    with KubernetesDouble(Pace(speed=50)) as double:
        double.deployment("api", f"{IMAGE}:{GOOD}", 3)
        double.rolled_out("api")
        double.release("api", f"{IMAGE}:2.4.1")
        double.rolled_out("api")
        crowd(double, others)
        workload = {
            "driver": "kubernetes",
            "kubeconfig": double.kubeconfig(place.directory / f"crowd-{others}.kubeconfig"),
            "context": "double",
            "namespace": "vq",
            "name": "api",
        }
        services = {"api": {"kind": "http", "url": "http://127.0.0.1:9", "workload": workload}}
        name = f"crowd-{others}"
        text = toml({"ledger": place.directory / name, "environments": {ENVIRONMENT: {"services": services}}})
        words = [sys.executable, "-m", "benchmarks.kubernetes_crowd", str(place.config(name, text))]
        said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
        found: dict[str, float] = json.loads(said.stdout)
        return found


async def look(config: Path) -> None:
    """A first sweep, then some more."""
    environment = load(config).environments[ENVIRONMENT]
    access, ledger = Access(ENVIRONMENT, environment), NoLedger(config.parent)
    walls = []
    for _ in range(SWEEPS):
        began = time.perf_counter()
        readiness(await gather(access, ledger, "api"))
        walls.append(time.perf_counter() - began)
    await access.close()
    print(json.dumps({"first": walls[0], "later": min(walls[1:]), "memory": highest()}))


def highest() -> float:
    """Megabytes that this process has held at most; what rusage says counts the one that started it, too."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def measure(place: Place) -> list[Figure]:
    """Both, the smaller crowd being the baseline."""
    few, many = looked_at(place, FEW), looked_at(place, MANY)
    return [
        Figure("Kubernetes: first sweep, 3,000 pods", many["first"], "s", 1.5, few["first"], of_baseline=True),
        Figure("Kubernetes: later sweep, 3,000 pods", many["later"], "s", 1.5, few["later"], of_baseline=True),
        Figure("Kubernetes: memory, 3,000 pods", many["memory"], "MB", 120, few["memory"]),
    ]


if __name__ == "__main__":
    asyncio.run(look(Path(sys.argv[1])))
