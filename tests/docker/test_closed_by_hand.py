"""An executor dies at any point of a replacement, and its run is closed by hand: the next request serves all the same.

It knows nothing of that run, and plans from what stands on the engine.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.docker.compose_versions import FIVE, Compose
from tests.docker.crashes import Died, watched
from tests.docker.driven import Driven
from tests.docker.project import ComposeProject
from tests.docker.test_in_place import SECOND, points_of, serves_wholly
from tests.docker.test_injected import CONTENTS, INLINE, contents

pytestmark = pytest.mark.machine("docker")

FORTH = ["tag", "trial", "evidence", "files", "connect", "stop", "remove", "create", "start", "trial-remove"]
BACK = ["undo-stop", "undo-remove", "undo-create", "undo-start"]
USUAL = {"compose.remove.after", "compose.create.after", "compose.undo-remove.after"}
"""Nothing there; something there that lacks its network and its files; nothing there on the way back."""


def cases(calls: list[str]) -> list[object]:
    """Every point of these calls; all but the usual ones only where everything is swept."""
    return [pytest.param(one, marks=[] if one in USUAL else [pytest.mark.sweep]) for one in points_of(calls)]


@pytest.fixture
def shop(
    engine: object, releases: dict[str, str], tmp_path: Path, compose: Compose, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ComposeProject]:
    """One replica of 1.1.0 with a second network and files of Compose's: nothing else shows how it was."""
    monkeypatch.setenv("VQ_TEST_CONFIG", "of variable")
    monkeypatch.setenv("VQ_TEST_TOKEN", "s3cret")
    file = INLINE.replace("    secrets: [token]\n", "    secrets: [token]\n    networks: [default, second]\n")
    file += "networks:\n  second: {{}}\n"
    with ComposeProject(tmp_path, "1.1.0", engine=engine, replicas=1, file=file, compose=compose) as one:
        yield one


@pytest.fixture
async def driven(shop: ComposeProject) -> AsyncIterator[Driven]:
    one = Driven(shop)
    yield one
    await one.access.close()


async def asked_anew(shop: ComposeProject, tmp_path: Path) -> None:
    """Another session, which has seen nothing of it."""
    again = tmp_path / "again"
    again.mkdir(mode=0o700)
    session = Driven(shop)
    try:
        facts = await session.reader.observe()
        assert facts.desired == 1
        if facts.current is None or facts.current.version != "1.0.0" or facts.ready_count == 0:
            await session.carry_out(await session.plan("1.0.0"), again, SECOND)
    finally:
        await session.access.close()
    await serves_wholly(shop, 1)
    assert contents(shop) == CONTENTS
    (now,) = shop.containers()
    assert len(now["NetworkSettings"]["Networks"]) == 2 and now["HostConfig"]["RestartPolicy"]["Name"] == "always"


@FIVE
@pytest.mark.parametrize("point", cases(FORTH))
async def test_on_the_way_there(point: str, shop: ComposeProject, driven: Driven, undo: Path, tmp_path: Path) -> None:
    changes = await driven.plan("1.0.0")
    with watched([], point), pytest.raises(Died):
        await driven.carry_out(changes, undo)
    await asked_anew(shop, tmp_path)


@FIVE
@pytest.mark.parametrize("point", cases(BACK))
async def test_on_the_way_back(point: str, shop: ComposeProject, driven: Driven, undo: Path, tmp_path: Path) -> None:
    changes = await driven.plan("1.0.0")
    await driven.carry_out(changes, undo)
    with watched([], point), pytest.raises(Died):
        await driven.back(changes, undo)
    await asked_anew(shop, tmp_path)
