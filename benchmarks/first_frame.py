"""First frame of the console against that of an empty Textual app, both as processes in a terminal, in turn.

The frame of the app counts when anything is painted; the console's when the band names the environment.
"""

import statistics
import sys

from benchmarks.place import PROGRAM, Place
from benchmarks.table import Figure
from benchmarks.terminal import Terminal

ROUNDS = 11
EMPTY = [sys.executable, "-c", "from textual.app import App; App().run()"]
CLUSTER = """ledger = "{directory}/ledger"
default_environment = "cluster"
[environments.cluster]
[environments.cluster.services.api]
kind = "http"
url = "http://127.0.0.1:9"
[environments.cluster.services.api.workload]
driver = "kubernetes"
kubeconfig = "{directory}/kubeconfig"
namespace = "vq"
name = "api"
"""


def measure(place: Place) -> list[Figure]:
    """On the embedded stack, and on an environment that uses Kubernetes: no client may be loaded before the frame."""
    cluster = place.config("cluster", CLUSTER.format(directory=place.directory))
    cases = {
        "empty": (EMPTY, "\x1b[48;"),
        "first frame": ([*PROGRAM, "--config", str(place.stack().config)], "sandbox"),
        "first frame, Kubernetes configured": ([*PROGRAM, "--config", str(cluster)], "CLUSTER"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(1 + ROUNDS):
        for name, (argv, shown) in cases.items():
            with Terminal(argv, place.environment) as terminal:
                seconds[name].append(terminal.shows(shown) - terminal.began)
    middle = {name: 1000 * statistics.median(taken[1:]) for name, taken in seconds.items()}
    return [
        Figure(name, middle[name], "ms", 1.5, middle["empty"], of_baseline=True, note="baseline: an empty Textual app")
        for name in cases
        if name != "empty"
    ]
