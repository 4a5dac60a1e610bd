"""The executor dies at every crash point of a replacement and of its way back.

What follows is either done in full or as before, and each effect happened once. A point before a call leaves the same
world as the point after the call before it, so the sweep dies at the ends of calls, and once before the first.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actions.model.words import ProbeState
from tests.docker.conftest import RUN, Service
from tests.docker.crashes import Died, watched
from tests.docker.project import ask

pytestmark = pytest.mark.machine("docker")
KEY = f"{RUN}.3"

ACT = ["tag", "tag", "create", "connect", "disarm", "stop", "rename-old", "rename-new", "start"]
UNDO = ["undo-disarm", "undo-stop", "undo-rename-new", "undo-rename-old", "undo-arm", "undo-start", "undo-remove"]


@pytest.fixture
def standing(make_service: Callable[..., Service], releases: dict[str, str]) -> Iterator[Service]:
    """A container of 1.1.0 in two networks, so that every call happens."""
    service = make_service(stop_timeout=1)
    network = f"{service.name}_second"
    service.engine.create_network(network, labels={"com.docker.compose.project": service.name})
    service.run(releases["1.1.0"])
    service.engine.connect_container_to_network(service.name, network)
    yield service


def points_of(names: list[str]) -> list[str]:
    return [f"compose.{name}.{side}" for name in names for side in ("before", "after")]


async def test_the_sweep_knows_every_crash_point(standing: Service, undo: Path) -> None:
    change = await standing.plan("1.0.0")
    forth: list[str] = []
    with watched(forth):
        await standing.act(change, undo)
    await standing.verify(change)
    assert forth == points_of(ACT)
    back: list[str] = []
    with watched(back):
        await standing.back(change, undo)
    assert back == points_of(UNDO)


def states_of(names: list[str]) -> list[str]:
    return [f"compose.{names[0]}.before", *(f"compose.{name}.after" for name in names)]


def mostly_swept(points: list[str], *always: str) -> list[Any]:
    """Those after the calls `always`; the others belong to the sweep."""
    told = {f"compose.{call}.after" for call in always}
    return [pytest.param(point, marks=() if point in told else pytest.mark.sweep) for point in points]


@pytest.mark.parametrize("point", states_of(ACT))
async def test_going_on_after_a_crash(point: str, standing: Service, releases: dict[str, str], undo: Path) -> None:
    old = standing.inspect()["Id"]
    change = await standing.plan("1.0.0")
    with watched([], point), pytest.raises(Died):
        await standing.act(change, undo)
    probe = await standing.changer.probe(change, KEY, undo)
    late = point == "compose.start.after"
    early = point.startswith("compose.tag")
    expected = ProbeState.NOT_STARTED if early else ProbeState.DONE if late else ProbeState.PARTIAL
    assert probe.state is expected, probe
    if probe.state is not ProbeState.DONE:
        await standing.act(change, undo)
    assert (await standing.changer.probe(change, KEY, undo)).state is ProbeState.DONE
    await standing.verify(change)
    made = [one for one in standing.all() if one != f"{standing.name}_prev_ab12cd"]
    assert made == [standing.name] and standing.inspect(old)["State"]["Running"] is False
    now = standing.inspect()
    assert now["Image"] == releases["1.0.0"] and len(now["NetworkSettings"]["Networks"]) == 2
    assert now["HostConfig"]["RestartPolicy"]["Name"] == "always"


@pytest.mark.parametrize("point", mostly_swept(states_of(ACT)[2:], "stop", "start"))
async def test_going_back_after_a_crash(point: str, standing: Service, undo: Path) -> None:
    old = standing.inspect()["Id"]
    change = await standing.plan("1.0.0")
    with watched([], point), pytest.raises(Died):
        await standing.act(change, undo)
    await standing.back(change, undo)
    await as_before(standing, old)


@pytest.mark.parametrize("point", mostly_swept(states_of(UNDO)[1:], "undo-stop", "undo-start"))
async def test_going_on_with_the_way_back_after_a_crash(point: str, standing: Service, undo: Path) -> None:
    old = standing.inspect()["Id"]
    change = await standing.plan("1.0.0")
    await standing.act(change, undo)
    await standing.verify(change)
    with watched([], point), pytest.raises(Died):
        await standing.back(change, undo)
    await standing.back(change, undo)
    await as_before(standing, old)


async def as_before(service: Service, old: str) -> None:
    now = service.inspect()
    assert now["Id"] == old and service.all() == {service.name: "running"}
    assert now["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert len(now["NetworkSettings"]["Networks"]) == 2
    assert await asyncio.to_thread(ask, f"http://127.0.0.1:{service.port}/health") == "1.1.0"
