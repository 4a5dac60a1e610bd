"""One container brought back on a real Docker Engine against the bare calls: `docker_recreate` as figures."""

from benchmarks import docker_recreate
from benchmarks.place import Place
from benchmarks.table import Figure


def measure(place: Place) -> list[Figure]:
    """Medians of a few rounds, in turn."""
    found = docker_recreate.compare(5)
    return [
        Figure(
            "Docker: one replica, verified",
            found["ours_verified"],
            "s",
            2,
            found["bare_answering"],
            note="bare: engine calls until it answers",
        ),
        Figure("Docker: the act alone", found["ours_act"], "s", None, found["bare_calls"], note="bare: engine calls"),
        Figure("Docker: replica down", found["ours_down"], "s"),
    ]
