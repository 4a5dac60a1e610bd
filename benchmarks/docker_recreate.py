"""One container brought back by the product against the bare engine calls for the same, on the real engine.

    python benchmarks/docker_recreate.py [ROUNDS]

Bare: create, disarm, stop, rename twice, start by docker-py, then ask until it answers. Ours: the same with checks,
undo material, guards, and a proof of several good answers in a row over a soak. Both in turn; medians. Prints one JSON
object.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import docker

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from actions.model.waiting import Deadline
from actions.model.workloads import ComposeWorkload
from actions.platforms.compose.driver import workload_changer, workload_reader
from tests.docker import images
from tests.docker.conftest import make_place
from tests.docker.project import HOST, remove_project
from tests.ports import free_ports

PROJECT = "vqt-benchmark"


def body(image: str, port: int) -> dict[str, Any]:
    published = {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    host = {"RestartPolicy": {"Name": "always"}, "PortBindings": published}
    labels = {"vq-tui-test.project": PROJECT}
    return {"Image": image, "ExposedPorts": {"8080/tcp": {}}, "Labels": labels, "HostConfig": host}


def until_answering(port: int) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).read()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def start(engine: Any, image: str, name: str, port: int) -> str:
    container = str(engine.create_container_from_config(body(image, port), name)["Id"])
    engine.start(container)
    until_answering(port)
    return container


def bare(engine: Any, before: str, after: str, name: str, port: int) -> dict[str, float]:
    old = start(engine, before, name, port)
    began = time.perf_counter()
    new = engine.create_container_from_config(body(after, port), f"{name}-new")["Id"]
    engine.update_container(old, restart_policy={"Name": "no"})
    engine.stop(old, timeout=5)
    engine.rename(old, f"{name}-old")
    engine.rename(new, name)
    engine.start(new)
    calls = time.perf_counter() - began
    until_answering(port)
    return {"calls": calls, "answering": time.perf_counter() - began}


async def ours(engine: Any, before: str, name: str, port: int, undo: Path) -> dict[str, float]:
    start(engine, before, name, port)
    settings = ComposeWorkload(service=name, stop_timeout=5)
    place = make_place(name, settings, f"http://127.0.0.1:{port}")
    reader, changer = workload_reader(settings, place), workload_changer(settings, place)
    key = f"{name}.1"
    try:
        facts = await reader.observe()
        began = time.perf_counter()
        (change,) = await reader.plan_change(facts, next(one for one in facts.at_hand if one.version == "1.0.0"))
        planned = time.perf_counter()
        await changer.check(change)
        await changer.protect(change, key, undo)
        acted = await changer.act(change, key, undo, lambda _: None)
        done = time.perf_counter()
        await changer.verify(change, key, Deadline(30), lambda _: None)
        verified = time.perf_counter()
    finally:
        await reader.close()
        await changer.close()
    down = float(str(acted.data["seconds_down"]))
    return {"plan": planned - began, "act": done - planned, "verified": verified - began, "down": down}


def compare(rounds: int) -> dict[str, float]:
    """Medians over the rounds, in seconds, by what was timed; and the ratios."""
    engine = docker.APIClient(base_url=HOST, version="auto", timeout=60)
    port = free_ports(1)
    simple: list[dict[str, float]] = []
    product: list[dict[str, float]] = []
    try:
        images.make_base(engine)
        after, before = (images.make_version(engine, version) for version in ("1.0.0", "1.1.0"))
        with tempfile.TemporaryDirectory() as folder:
            for number in range(rounds):
                simple.append(bare(engine, before, after, f"{PROJECT}-b{number}", port))
                remove_project(engine, PROJECT)
                product.append(asyncio.run(ours(engine, before, f"{PROJECT}-o{number}", port, Path(folder))))
                remove_project(engine, PROJECT)
    finally:
        remove_project(engine, PROJECT)
        images.remove_all(engine)
    found = {f"bare_{key}": statistics.median(one[key] for one in simple) for key in simple[0]}
    found |= {f"ours_{key}": statistics.median(one[key] for one in product) for key in product[0]}
    ratios = {
        "act_over_bare_calls": found["ours_act"] / found["bare_calls"],
        "verified_over_bare_answering": found["ours_verified"] / found["bare_answering"],
    }
    return {key: round(value, 3) for key, value in (found | ratios).items()}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(json.dumps(compare(rounds) | {"rounds": rounds}))


if __name__ == "__main__":
    main()
