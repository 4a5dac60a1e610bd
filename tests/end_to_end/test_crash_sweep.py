"""The executor of a whole rollback is killed at its crash points, on the real embedded stack and on a real engine.

What goes on from the journal leaves the world fully rolled back, or fully as before; each effect happened once.
By default it dies at the points of the drivers; with VQ_SWEEP=all (`make sweep`) at every point.
"""

import asyncio
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from actions.clients.processes import ProcessRecord
from actions.clients.router import RouterReader, RouterState
from actions.clients.supervisor import SupervisorReader
from actions.model.words import RunState
from actions.platforms.compose.pin_file import entries_of
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.docker import images
from tests.docker.inspected import differences
from tests.docker.project import HOST, ComposeProject
from tests.end_to_end.sweeping import ALL, SIDES, Sweep, once_each
from tests.stack import own_ledger

pytestmark = pytest.mark.timeout(3600 if ALL else 420)

RUNNING_ON = ("2.3.9", "2.4.0", "2.4.1")
"""Releases that fit the schema of the stack: one serves, one stands by, the third is gone to."""

GOOD, ALSO_GOOD, SICK = "2.4.0", "2.4.1", "2.4.2"


@dataclass(frozen=True)
class Colours:
    """The embedded stack as it stands."""

    router: RouterState
    records: dict[str, ProcessRecord]

    @property
    def serving(self) -> str:
        return max(self.router.weights, key=lambda colour: self.router.weights[colour])

    @property
    def releases(self) -> dict[str, str]:
        return {colour: record.spec.release for colour, record in self.records.items()}


class EmbeddedStack:
    """Blue and green behind the router; each round needs another release in the standby, and then the traffic."""

    environment = "sandbox"

    def __init__(self, facts: SandboxFacts, folder: Path, *, well: bool) -> None:
        self.facts = facts
        self.config = own_ledger(facts, folder).config
        if not well:
            text = self.config.read_text().replace('endpoints = ["', 'endpoints = ["/never", "')
            assert "/never" in text
            self.config.write_text(text.replace("drain_seconds = 10", "drain_seconds = 10\nprove_seconds = 4"))

    def target(self) -> str:
        return next(version for version in RUNNING_ON if version not in self.look().releases.values())

    def look(self) -> Colours:
        return asyncio.run(self._look())

    async def _look(self) -> Colours:
        supervisor = SupervisorReader(self.facts.directory)
        records = {colour: await supervisor.record(f"api-{colour}") for colour in self.facts.colours}
        return Colours(await RouterReader(self.facts.admin).state(), records)

    def rolled_back(self, before: Colours, run_id: str, target: str) -> None:
        now = self.look()
        assert now.serving != before.serving and now.router.weights[now.serving] == 1.0
        assert now.releases == before.releases | {now.serving: target}
        assert [self._served() for _ in range(5)] == [target] * 5
        applied, keys = self._effects(now, run_id)
        assert len(applied) == len(keys[now.serving]) == 1 and not keys[before.serving]
        assert now.router.generation in applied
        assert now.records[now.serving].generation == before.records[now.serving].generation + 1

    def as_before(self, before: Colours, run_id: str) -> None:
        now = self.look()
        assert (now.serving, now.releases) == (before.serving, before.releases)
        assert now.router.weights == before.router.weights
        assert self._served() == before.releases[before.serving]
        applied, keys = self._effects(now, run_id)
        for found in (applied, *keys.values()):
            assert {key for key in found if not key.endswith(".undo")} == {
                key.removesuffix(".undo") for key in found if key.endswith(".undo")
            }

    def lost_writes(self) -> int:
        """Acknowledged writes of the steady traffic that are not there any more."""
        answer = httpx.get(f"{self.facts.traffic}/audit", timeout=30, trust_env=False)
        return int(answer.raise_for_status().json()["lost_writes"])

    def _effects(self, now: Colours, run_id: str) -> tuple[set[str], dict[str, set[str]]]:
        applied = once_each([key for key in now.router.applied if key.startswith(run_id)])
        keys = {
            colour: once_each([key for key in record.keys if key.startswith(run_id)])
            for colour, record in now.records.items()
        }
        return applied, keys

    def _served(self) -> str:
        with urllib.request.urlopen(f"{self.facts.url}/health", timeout=5) as answer:
            return str(answer.headers["X-Version"])


@pytest.fixture(scope="module")
def whole_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxFacts]:
    """A stack of this module's own: it ends with other releases than it began with."""
    pytest.importorskip("uvicorn", reason="the sandbox extra is not installed")
    directory = tmp_path_factory.mktemp("swept")
    try:
        yield stack.up(directory)
    finally:
        stack.down(directory)


async def test_the_embedded_stack_goes_back_wholly(whole_stack: SandboxFacts, tmp_path: Path) -> None:
    theatre = EmbeddedStack(whole_stack, tmp_path, well=True)
    sweep = Sweep(theatre, RunState.SUCCEEDED, tmp_path)
    await sweep.every()
    met = {point.partition("#")[0] for point in sweep.died}
    assert {"local.before-replace", "local.after-replace", "router.before-switch", "router.after-switch"} <= met
    assert await asyncio.to_thread(theatre.lost_writes) == 0


async def test_the_embedded_stack_comes_back_wholly(whole_stack: SandboxFacts, tmp_path: Path) -> None:
    """The validation fails, so all is undone; the executor dies on the way back."""
    theatre = EmbeddedStack(whole_stack, tmp_path, well=False)
    sweep = Sweep(theatre, RunState.UNDONE, tmp_path)
    await sweep.every(since="failed.")
    met = {point.partition("#")[0] for point in sweep.died}
    assert {"local.before-undo", "local.after-undo", "router.before-undo", "router.after-undo"} <= met
    assert await asyncio.to_thread(theatre.lost_writes) == 0


class Replica:
    """One container of a Compose project; each round replaces it by one of the other release, or of a sick one."""

    environment = "shop"

    def __init__(self, project: ComposeProject, *, well: bool) -> None:
        self.project = project
        self.config = project.config
        self.well = well
        self._set("stop_timeout", 2)
        if not well:
            self._set("prove_seconds", 3)

    def _set(self, name: str, value: int) -> None:
        text, times = re.subn(rf"^{name} = \d+$", f"{name} = {value}", self.config.read_text(), flags=re.MULTILINE)
        assert times == 1, f"'{name}' is not in the configuration once"
        self.config.write_text(text)

    def target(self) -> str:
        if not self.well:
            return SICK
        return next(version for version in (GOOD, ALSO_GOOD) if version != self.project.versions()[0])

    def look(self) -> list[dict[str, Any]]:
        return self.project.containers()

    def rolled_back(self, before: list[dict[str, Any]], run_id: str, target: str) -> None:
        """One container, made by this run from the image of `target`; the one before is put away."""
        (old,), (now,) = before, self.look()
        assert now["Id"] != old["Id"] and now["Name"] == old["Name"]
        assert now["Config"]["Labels"]["vq-tui.run"] == run_id
        assert now["Image"] == self.project.engine.inspect_image(f"{images.REPOSITORY}:{target}")["Id"]
        assert now["State"]["Running"] and now["HostConfig"]["RestartPolicy"]["Name"] == "always"
        assert self.project.versions() == [target]
        pinned = entries_of(self.pin.read_text()) or {}
        assert set(pinned) == {"api"} and pinned["api"].version == target
        made = self._happened(run_id)
        assert (made["create"], made["start"], made["destroy"]) == (1, 1, 0)
        left = self._happened(str(old["Config"]["Labels"].get("vq-tui.run")))
        assert left["destroy"] <= 1 and left["start"] <= 1

    def as_before(self, before: list[dict[str, Any]], run_id: str) -> None:
        """One like it serves under its name; what the run made is gone, and was made and started once at most."""
        (old,), (now,) = before, self.look()
        assert (now["Name"], now["Image"]) == (old["Name"], old["Image"]) and differences(old, now) == {}
        assert now["State"]["Running"] and now["HostConfig"]["RestartPolicy"]["Name"] == "always"
        assert self.project.versions() == [now["Config"]["Labels"]["org.opencontainers.image.version"]]
        assert not self.pin.exists(), self.pin.read_text()
        made = self._happened(run_id)
        assert made["create"] == made["destroy"] <= 1 and made["start"] <= 1

    @property
    def pin(self) -> Path:
        return self.project.folder / "docker-compose.override.yml"

    def _happened(self, run_id: str) -> Counter[str]:
        """What the engine reports of the containers that carry this run's label."""
        told = self.project.engine.events(
            since=0, until=f"{time.time():.6f}", decode=True,
            filters={"type": "container", "label": f"vq-tui.run={run_id}"},
        )  # fmt: skip
        return Counter(str(event["Action"]) for event in told)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[ComposeProject]:
    """One replica of a good release on the real engine; another good one and a sick one are at hand."""
    import docker

    engine = docker.APIClient(base_url=HOST, version="auto", timeout=30)
    try:
        with (
            images.released(engine, {GOOD: "ok", ALSO_GOOD: "ok", SICK: "sick"}),
            ComposeProject(tmp_path, GOOD, engine=engine, replicas=1) as made,
        ):
            yield made
    finally:
        engine.close()


@pytest.mark.machine("docker")
async def test_a_container_goes_back_wholly(project: ComposeProject, tmp_path: Path) -> None:
    sweep = Sweep(Replica(project, well=True), RunState.SUCCEEDED, tmp_path)
    await sweep.every()
    met = {point.partition("#")[0] for point in sweep.died}
    calls = ("pin", "tag", "trial", "evidence", "stop", "remove", "create", "start")
    assert {f"compose.{call}.{side}" for call in calls for side in SIDES} <= met


@pytest.mark.machine("docker")
async def test_a_container_comes_back_wholly(project: ComposeProject, tmp_path: Path) -> None:
    """The release gone to is sick, so all is undone; the executor dies on the way back."""
    sweep = Sweep(Replica(project, well=False), RunState.UNDONE, tmp_path)
    await sweep.every(since="failed.")
    met = {point.partition("#")[0] for point in sweep.died}
    calls = ("stop", "remove", "create", "start", "pin")
    assert {f"compose.undo-{call}.{side}" for call in calls for side in SIDES} <= met
