"""Several replicas replaced at the same time: what is proved serves meanwhile, and each is gone on with by itself."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actions.clients.docker.errors import EngineError
from actions.model import crash
from actions.model.errors import Unreachable, VqError
from actions.model.platform import Probe
from actions.model.words import ProbeState
from actions.platforms.compose.at_once import all_of, first_failure
from actions.platforms.compose.params import SEVERAL
from actions.platforms.compose.planning import widening
from actions.platforms.compose.several import together
from tests.docker.compose_versions import FIVE
from tests.docker.crashes import Died, watched
from tests.docker.driven import Driven
from tests.docker.inspected import differences
from tests.docker.project import ComposeProject, until
from tests.docker.test_in_place import SECOND, go_on, serves_wholly
from tests.docker.test_pure import PARAMS

DOCKER = pytest.mark.machine("docker")
USUAL = ("compose.remove.after#2", "compose.start.before#3")
POINTS = [
    f"compose.{call}.{side}#{number}"
    for call in ("evidence", "stop", "remove", "create", "start", "trial-remove")
    for side in ("before", "after")
    for number in (2, 3)
]

SWEPT = [pytest.param(one, marks=[] if one in USUAL else [pytest.mark.sweep]) for one in POINTS]


@pytest.fixture
async def driven(composed: ComposeProject) -> AsyncIterator[Driven]:
    one = Driven(composed)
    yield one
    await one.access.close()


@pytest.mark.parametrize(
    ("replicas", "most", "sizes"),
    [
        (1, None, [1]),
        (2, None, [1, 1]),
        (3, None, [1, 2]),
        (10, None, [1, 2, 4, 3]),
        (10, 3, [1, 2, 3, 3, 1]),
        (4, 1, [1, 1, 1, 1]),
    ],
)
def test_how_many_at_a_time(replicas: int, most: int | None, sizes: list[int]) -> None:
    found = list(widening([PARAMS] * replicas, most))
    assert [len(group) for _, group in found] == sizes
    assert all(len(group) <= done + 1 for done, group in found)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("done done", ProbeState.DONE),
        ("not-started not-started", ProbeState.NOT_STARTED),
        ("done not-started", ProbeState.PARTIAL),
        ("done partial", ProbeState.PARTIAL),
        ("done unknown", ProbeState.UNKNOWN),
    ],
)
def test_how_far_several_got(states: str, expected: ProbeState) -> None:
    found = [Probe(state=ProbeState(one), evidence=one) for one in states.split()]
    assert together(found).state is expected


async def test_a_failure_ends_no_other_in_the_middle() -> None:
    ended: list[str] = []

    async def slow() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        ended.append("slow")

    async def fails(error: VqError) -> None:
        raise error

    with pytest.raises(EngineError):
        await all_of([fails(Unreachable("away")), slow(), fails(EngineError("no such network", 404))])
    assert ended == ["slow"]


async def test_what_only_looks_is_ended_with_the_first_failure() -> None:
    never = asyncio.Event()
    looking = asyncio.current_task()

    async def waits() -> None:
        await never.wait()

    async def fails() -> None:
        raise Unreachable("away")

    with pytest.raises(Unreachable):
        await first_failure([waits(), fails()])
    assert asyncio.all_tasks() == {looking}


@DOCKER
@FIVE
async def test_what_was_proved_serves_while_the_others_go(
    composed: ComposeProject, driven: Driven, releases: dict[str, str], undo: Path
) -> None:
    pin, first, others = await driven.plan("1.0.0")
    assert others.action == SEVERAL and "1 of 3" in " ".join(others.details)
    await driven.carry_out((pin, first), undo)
    names = {composed.container_name(number) for number in (1, 2, 3)}

    def look(point: str) -> None:
        proved = composed.engine.inspect_container(composed.container_name(1))
        assert proved["State"]["Running"] and proved["Image"] == releases["1.0.0"]
        assert {one["Names"][0].lstrip("/") for one in composed.listed()} <= names

    crash.set_hook(look)
    try:
        await driven.carry_out((others,), undo)
    finally:
        crash.set_hook(None)
    await serves_wholly(composed, 3)


@DOCKER
@FIVE
@pytest.mark.parametrize("point", SWEPT)
async def test_going_on_after_a_crash(point: str, composed: ComposeProject, driven: Driven, undo: Path) -> None:
    changes = await driven.plan("1.0.0")
    with watched([], point), pytest.raises(Died):
        await driven.carry_out(changes, undo)
    await go_on(driven, changes, undo)
    await serves_wholly(composed, 3)


def nothing_is_under_way() -> bool:
    """Whether the engine has done what the dead executor had asked of it."""
    return not any(thread.name.startswith("aside") for thread in threading.enumerate())


@DOCKER
@FIVE
@pytest.mark.parametrize("point", SWEPT)
async def test_another_request_after_a_crash(
    point: str, composed: ComposeProject, driven: Driven, undo: Path, tmp_path: Path
) -> None:
    """Nobody goes on with the run: another session plans from what stands."""
    with watched([], point), pytest.raises(Died):
        await driven.carry_out(await driven.plan("1.0.0"), undo)
    await asyncio.to_thread(until, nothing_is_under_way)
    again = tmp_path / "again"
    again.mkdir(mode=0o700)
    session = Driven(composed)
    try:
        facts = await session.reader.observe()
        assert facts.desired == 3
        if facts.current is None or facts.ready_count < 3:
            await session.carry_out(await session.plan("1.0.0"), again, SECOND)
    finally:
        await session.access.close()
    await serves_wholly(composed, 3)


@DOCKER
@FIVE
async def test_one_that_cannot_be_made_takes_all_of_them_back(
    composed: ComposeProject, driven: Driven, undo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, changes = composed.containers(), await driven.plan("1.0.0")
    writer = driven.changer._writer  # type: ignore[attr-defined]
    create = writer.create

    async def refused(name: str, body: dict[str, Any]) -> str:
        if name == composed.container_name(3):
            raise EngineError("no space left on device", 500)
        return str(await create(name, body))

    with monkeypatch.context() as full, pytest.raises(EngineError):
        full.setattr(writer, "create", refused)
        await driven.carry_out(changes, undo)
    await asyncio.to_thread(until, lambda: composed.answers() == ["1.0.0", "1.0.0"])  # the other one went all the way
    await driven.back(changes, undo)
    after = composed.containers()
    assert [differences(old, new) for old, new in zip(before, after, strict=True)] == [{}] * 3
    assert composed.versions() == ["1.1.0"] * 3
