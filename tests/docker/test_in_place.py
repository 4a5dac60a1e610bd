"""Compose called in the middle of a rollback, executor alive and dead: no replica is lost, and asking again heals."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from actions.model import crash
from actions.model.errors import VqError
from actions.model.platform import Change
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.platforms.compose import material
from actions.platforms.compose.params import PIN, replicas_of
from tests.docker.compose_versions import FIVE
from tests.docker.conftest import RUN
from tests.docker.crashes import Died, watched
from tests.docker.driven import Driven
from tests.docker.project import ComposeProject, until

pytestmark = pytest.mark.machine("docker")
TWO = pytest.mark.parametrize("composed", [2], indirect=True)
SECOND = f"{RUN[:-6]}XY34ZW"

FIRST = ["tag", "tag"]
MEANWHILE = {"trial", "evidence"}
"""At the same time, while the old one serves."""
THEN = ["stop", "remove", "create", "start", "trial-remove"]
UP = ("up", "-d")
BASE_ONLY = ("-f", "docker-compose.yml", "up", "-d")
"""Deployed by somebody whose command does not read the pin: it puts the release back that is to go."""


def _swept(*values: object) -> object:
    return pytest.param(*values, marks=pytest.mark.sweep)


@pytest.fixture
async def driven(composed: ComposeProject) -> AsyncIterator[Driven]:
    one = Driven(composed)
    yield one
    await one.access.close()


@contextmanager
def when_passed(point: str, action: Callable[[], object]) -> Iterator[None]:
    """Do something else once, in the middle of what goes on."""
    waiting = [point]

    def passed(name: str) -> None:
        if name in waiting:
            waiting.remove(name)
            action()

    crash.set_hook(passed)
    try:
        yield
    finally:
        crash.set_hook(None)
    assert not waiting, f"{point} was never passed"


def points_of(calls: Iterable[str]) -> list[str]:
    return [f"compose.{name}.{side}" for name in calls for side in ("before", "after")]


async def go_on(driven: Driven, changes: tuple[Change, ...], undo: Path) -> None:
    """What a runner does with an interrupted run: each effect is looked at before it is brought about."""
    for number, change in enumerate(changes, 1):
        key = f"{RUN}.{number}"
        begun = change.action == PIN or all(material.path_of(undo, one.old).exists() for one in replicas_of(change))
        probe = await driven.changer.probe(change, key, undo) if begun else None
        if probe is None or probe.state is ProbeState.NOT_STARTED:
            await driven.changer.check(change)
            await driven.changer.protect(change, key, undo)
        if probe is None or probe.state is not ProbeState.DONE:
            await driven.changer.act(change, key, undo, driven.said.append)
        await driven.changer.verify(change, key, Deadline(60), driven.said.append)


async def ask_again(driven: Driven, changes: tuple[Change, ...], undo: Path) -> None:
    """Go on; where that cannot be, go back as far as it goes, and ask for the same once more."""
    try:
        await go_on(driven, changes, undo)
    except VqError:
        with contextlib.suppress(VqError):
            await driven.back(changes, undo)
        again = undo.parent / "again"
        again.mkdir(mode=0o700)
        facts = await driven.reader.observe()
        if facts.current is None or facts.current.version != "1.0.0":
            await driven.carry_out(await driven.plan("1.0.0"), again, SECOND)


def trying(project: ComposeProject, *words: str) -> None:
    """A call of somebody who may come in each other's way with the executor; Compose then says so and ends."""
    with contextlib.suppress(AssertionError):
        project.compose(*words)


async def serves_wholly(project: ComposeProject, replicas: int) -> None:
    """As many as there should be, under names of Compose's, all of the release that was wanted; `up` agrees."""
    await asyncio.to_thread(until, lambda: len(project.answers()) == replicas)
    assert set(project.answers()) == {"1.0.0"}
    before = project.ids()
    assert len(before) == replicas and all(name.startswith(project.container_name(1)[:-1]) for name in before)
    await asyncio.to_thread(project.up)
    assert project.ids() == before


@TWO
async def test_no_container_of_the_service_ever_has_another_name(
    composed: ComposeProject, driven: Driven, undo: Path
) -> None:
    changes = await driven.plan("1.0.0")
    names = {composed.container_name(1), composed.container_name(2)}
    points: list[str] = []

    def look(point: str) -> None:
        points.append(point)
        assert set(composed.ids()) <= names and len(composed.ids()) >= 1

    crash.set_hook(look)
    try:
        await driven.carry_out(changes, undo)
        await driven.back(changes, undo)
    finally:
        crash.set_hook(None)
    passed = [point for point in points if not point.startswith("compose.pin")]
    for _ in range(2):
        first, meanwhile, then = ([passed.pop(0) for _ in range(2 * count)] for count in (2, 2, 5))
        assert (first, then) == (points_of(FIRST), points_of(THEN))
        assert set(meanwhile) == set(points_of(MEANWHILE))
    assert set(composed.ids()) == names and composed.versions() == ["1.1.0"] * 2


@TWO
@FIVE
@pytest.mark.parametrize("call", [_swept("stop"), "remove", _swept("create"), _swept("start")])
async def test_up_after_the_executor_died(call: str, composed: ComposeProject, driven: Driven, undo: Path) -> None:
    changes = await driven.plan("1.0.0")
    with watched([], f"compose.{call}.after"), pytest.raises(Died):
        await driven.carry_out(changes, undo)
    await asyncio.to_thread(trying, composed, *UP)
    await ask_again(driven, changes, undo)
    await serves_wholly(composed, 2)


@TWO
@pytest.mark.parametrize(
    ("compose", "command"),
    [
        pytest.param(generation, command, marks=[pytest.mark.machine(f"compose{generation}"), *more])
        for generation, command, *more in (
            ("1", UP),
            ("1", BASE_ONLY, pytest.mark.sweep),
            ("5", BASE_ONLY),
            ("5", (*UP, "--build"), pytest.mark.sweep),
            ("5", (*UP, "--scale", "api=2"), pytest.mark.sweep),
        )
    ],
    indirect=["compose"],
    ids=str,
)
async def test_compose_beside_a_dead_executor(
    command: tuple[str, ...], composed: ComposeProject, driven: Driven, undo: Path
) -> None:
    changes = await driven.plan("1.0.0")
    with watched([], "compose.remove.after"), pytest.raises(Died):
        await driven.carry_out(changes, undo)
    await asyncio.to_thread(composed.compose, *command)
    await ask_again(driven, changes, undo)
    await serves_wholly(composed, 2)


@TWO
@FIVE
@pytest.mark.parametrize(
    ("call", "command"),
    [_swept("stop", UP), ("remove", UP), _swept("remove", BASE_ONLY), ("create", UP)],
    ids=str,
)
async def test_compose_beside_a_living_executor(
    call: str, command: tuple[str, ...], composed: ComposeProject, driven: Driven, undo: Path
) -> None:
    changes = await driven.plan("1.0.0")
    try:
        with when_passed(f"compose.{call}.after", lambda: trying(composed, *command)):
            await driven.carry_out(changes, undo)
    except VqError:
        await ask_again(driven, changes, undo)
    await serves_wholly(composed, 2)


@TWO
@FIVE
async def test_a_trial_that_a_dead_executor_left_is_cleaned_up(
    composed: ComposeProject, driven: Driven, undo: Path
) -> None:
    changes = await driven.plan("1.0.0")
    with watched([], "compose.trial.after"), pytest.raises(Died):
        await driven.carry_out(changes, undo)
    name = f"vq-tui-trial-{str(changes[1].params['old'])[:12]}"
    assert composed.engine.containers(all=True, filters={"name": name})
    await driven.tidy(datetime.now(UTC))
    assert composed.engine.containers(all=True, filters={"name": name}), "a run may be at it"
    await driven.tidy(datetime.now(UTC) + timedelta(minutes=11))
    assert not composed.engine.containers(all=True, filters={"name": name})


@TWO
@FIVE
async def test_down_in_the_middle_is_obeyed(composed: ComposeProject, driven: Driven, undo: Path) -> None:
    """What somebody took down stays down; the pin has what they bring up again be the release that was wanted."""
    changes = await driven.plan("1.0.0")
    with watched([], "compose.create.after"), pytest.raises(Died):
        await driven.carry_out(changes, undo)
    await asyncio.to_thread(composed.compose, "down")
    with pytest.raises(VqError):
        await go_on(driven, changes, undo)
    assert not composed.ids()
    await asyncio.to_thread(composed.up)
    await serves_wholly(composed, 2)
