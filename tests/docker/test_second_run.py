"""A run dies at any point of a replacement and is not resumed: another run is asked for instead."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actions.clients.docker.errors import Conflict
from actions.model.errors import Refused
from actions.platforms.compose import unfinished
from tests.docker.conftest import RUN, Service
from tests.docker.crashes import Died, watched
from tests.docker.project import ask, until

pytestmark = pytest.mark.machine("docker")
SECOND = f"{RUN[:-6]}XY34ZW.3"
CALLS = ["create", "disarm", "stop", "rename-old", "rename-new", "start"]


@pytest.fixture
def standing(make_service: Callable[..., Service], releases: dict[str, str]) -> Iterator[Service]:
    service = make_service(stop_timeout=1)
    service.run(releases["1.1.0"])
    yield service


async def left(service: Service, call: str, undo: Path) -> None:
    """A run that died after this call."""
    change = await service.plan("1.0.0")
    with watched([], f"compose.{call}.after"), pytest.raises(Died):
        await service.act(change, undo)


@pytest.fixture
def again(tmp_path: Path) -> Path:
    folder = tmp_path / "again"
    folder.mkdir(mode=0o700)
    return folder


@pytest.mark.parametrize("call", CALLS[:-1])
async def test_another_run_goes_all_the_way(call: str, standing: Service, undo: Path, again: Path) -> None:
    await left(standing, call, undo)
    change = await standing.plan("1.0.0")
    await standing.act(change, again, SECOND)
    await standing.verify(change, SECOND)
    assert await answer(standing) == "1.0.0"
    states = standing.all()
    assert states.pop(standing.name) == "running" and list(states.values()) == ["exited"], states
    now = standing.inspect()
    assert now["Config"]["Labels"]["vq-tui.step"] == SECOND
    assert now["HostConfig"]["RestartPolicy"]["Name"] == "always", "as it was before the first run disarmed it"


@pytest.mark.parametrize("call", ["stop", "rename-new"])
async def test_the_way_back_of_another_run_serves(call: str, standing: Service, undo: Path, again: Path) -> None:
    """It does not leave the service down because a run before it did."""
    old = standing.inspect()["Id"]
    await left(standing, call, undo)
    change = await standing.plan("1.0.0")
    await standing.act(change, again, SECOND)
    await standing.back(change, again, SECOND)
    assert standing.all() == {standing.name: "running"} and standing.inspect()["Id"] == old
    assert standing.inspect()["HostConfig"]["RestartPolicy"]["Name"] == "always"
    await asyncio.to_thread(until, standing.port_answers)
    assert await answer(standing) == "1.1.0"


async def test_what_was_never_started_does_not_serve(standing: Service, undo: Path) -> None:
    await left(standing, "rename-old", undo)
    facts = await standing.reader.observe()
    assert facts.current is not None and facts.current.version == "1.1.0"
    assert facts.ready_count == 0 and facts.desired == 1


async def test_what_was_started_is_never_removed(standing: Service, undo: Path, releases: dict[str, str]) -> None:
    change = await standing.plan("1.0.0")
    await standing.act(change, undo)
    made = standing.inspect()["Id"]
    await unfinished.clear(
        standing.changer._reader, standing.changer._writer, params(change), SECOND, standing.said.append
    )
    assert standing.inspect()["Id"] == made


async def test_a_name_that_somebody_else_has_is_refused(
    standing: Service, undo: Path, releases: dict[str, str]
) -> None:
    change = await standing.plan("1.0.0")
    name = f"{params(change).old[:12]}_{standing.name}"
    body = {"Image": releases["1.0.0"], "Labels": {"vq-tui-test.project": standing.name}}
    standing.engine.create_container_from_config(body, name)
    with pytest.raises(Refused, match="taken by another container"):
        await standing.act(change, undo)
    assert standing.all()[name] == "created"


async def test_an_engine_that_is_still_making_it_is_waited_for(
    standing: Service, undo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 16: the engine itself is slow, so the name is taken before a container has it."""
    change = await standing.plan("1.0.0")
    writer, looks = standing.changer._writer, 0
    create, inspect = writer.create, unfinished.inspect

    async def slow(name: str, body: dict[str, Any]) -> str:
        await create(name, body)
        raise Conflict("the name is reserved", 409)

    async def hidden(reader: Any, name: str) -> dict[str, Any] | None:
        nonlocal looks
        looks += 1
        return None if looks < 3 else await inspect(reader, name)

    monkeypatch.setattr(writer, "create", slow)
    monkeypatch.setattr(unfinished, "inspect", hidden)
    await standing.act(change, undo)
    await standing.verify(change)
    assert looks == 3 and len(standing.all()) == 2


def params(change: Any) -> Any:
    from actions.platforms.compose.params import Recreate

    return Recreate.model_validate(change.params)


async def answer(service: Service) -> str:
    return await asyncio.to_thread(ask, f"http://127.0.0.1:{service.port}/health")
