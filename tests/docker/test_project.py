"""Three replicas of a Compose project: rolled back, one first, and left alone by the next `docker-compose up -d`."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from actions.model.errors import Refused, Stale, VerifyFailed
from actions.model.waiting import Deadline
from actions.model.words import Gate, ProbeState
from actions.platforms.compose import pin_plan
from actions.platforms.compose.pin_file import entries_of
from tests.docker.conftest import RUN
from tests.docker.driven import Driven
from tests.docker.inspected import differences
from tests.docker.project import CANARY, ComposeProject, until

pytestmark = pytest.mark.machine("docker")
ONE = pytest.mark.parametrize("project", [1], indirect=True)


@pytest.fixture
async def driven(project: ComposeProject) -> AsyncIterator[Driven]:
    one = Driven(project)
    yield one
    await one.access.close()


async def test_rollback_that_the_next_up_leaves_alone(project: ComposeProject, driven: Driven, undo: Path) -> None:
    before = project.containers()
    changes = await driven.plan("1.0.0")
    assert [one.action for one in changes] == ["pin", "recreate", "recreate-several"]
    assert [one.settling for one in changes] == [False] * 3
    names = [f"{project.name}_api_{number}" for number in (1, 2, 3)]
    assert [one.subject for one in changes[1:]] == [names[0], ", ".join(names[1:])]
    await driven.carry_out(changes, undo)

    rolled_back = project.ids()
    assert project.versions() == ["1.0.0"] * 3
    assert len(rolled_back) == 3 and not set(rolled_back.values()) & {one["Id"] for one in before}
    said = await asyncio.to_thread(project.up)
    assert project.ids() == rolled_back and said.count("is up-to-date") == 3
    listed = await asyncio.to_thread(project.compose, "ps")
    assert all(name in listed for name in rolled_back)
    labels = [
        (one["Config"]["Labels"], two["Config"]["Labels"])
        for one, two in zip(before, project.containers(), strict=True)
    ]
    for old, new in labels:
        differ = {name for name in {**old, **new} if old.get(name) != new.get(name) and not name.startswith("vq-tui.")}
        assert differ == {"com.docker.compose.config-hash", "org.opencontainers.image.version"}

    whole = json.dumps([driven.said, driven.data, [one.model_dump(mode="json") for one in changes]])
    assert CANARY not in whole and len(list(undo.glob("log-*.txt"))) == 3
    evidence = project.engine.images(name="vq-tui/evidence")
    assert sum(f"-{project.name}_api_" in tag for one in evidence for tag in one["RepoTags"] or []) == 3

    facts = await driven.reader.observe()
    assert facts.current is not None and facts.current.version == "1.0.0" and facts.desired == facts.ready_count == 3
    with pytest.raises(Refused, match=r"runs 1\.0\.0 already"):
        await driven.plan("1.0.0")

    later = datetime.now(UTC) + timedelta(hours=driven.settings.keep_old_hours + 1)
    assert not await driven.tidy(datetime.now(UTC))
    assert sum(project.name in one for one in await driven.tidy(later)) == 3
    assert project.ids() == rolled_back


@ONE
async def test_forward_again_moves_the_pin(project: ComposeProject, driven: Driven, undo: Path) -> None:
    await driven.carry_out(await driven.plan("1.0.0"), undo)
    changes = await driven.plan("1.1.0")
    assert changes[0].action == "pin"
    second = f"{RUN[:-6]}000002"
    await driven.carry_out(changes, undo.parent, second)
    ids = project.ids()
    await asyncio.to_thread(project.up)
    assert project.ids() == ids and project.versions() == ["1.1.0"]
    pin = project.folder / "docker-compose.override.yml"
    (pinned,) = (entries_of(pin.read_text()) or {}).values()
    assert pinned.version == "1.1.0" and pinned.image == project.containers()[0]["Image"]
    pin.unlink()  # released: the file says 1.1.0 too, so the next `up` may make them anew, but not move them
    await asyncio.to_thread(project.up)
    until(project.answering)
    assert project.versions() == ["1.1.0"]


async def test_way_back_of_everything(project: ComposeProject, driven: Driven, undo: Path) -> None:
    before = project.containers()
    changes = await driven.plan("1.0.0")
    await driven.carry_out(changes, undo)
    assert project.versions() == ["1.0.0"] * 3
    await driven.back(changes, undo)
    after = project.containers()
    assert [differences(old, new) for old, new in zip(before, after, strict=True)] == [{}] * 3
    assert project.versions() == ["1.1.0"] * 3
    assert not (project.folder / "docker-compose.override.yml").exists()
    ids = project.ids()
    await asyncio.to_thread(project.up)
    assert project.ids() == ids


@ONE
async def test_way_back_of_a_whole_run(project: ComposeProject, driven: Driven, undo: Path) -> None:
    changes = await driven.plan("1.0.0")
    await driven.carry_out(changes, undo)
    await driven.back(changes, undo)
    assert project.versions() == ["1.1.0"] and len(project.ids()) == 1
    ids = project.ids()
    await asyncio.to_thread(project.up)
    assert project.ids() == ids


async def test_only_the_replicas_that_differ_are_moved(project: ComposeProject, driven: Driven, undo: Path) -> None:
    changes = await driven.plan("1.0.0")
    await driven.carry_out(changes[:2], undo)
    facts = await driven.reader.observe()
    assert facts.current is None and [note.id for note in facts.notes if note.gate is Gate.INCONCLUSIVE] == ["mixed"]
    again = await driven.plan("1.0.0")
    assert [one.subject for one in again if one.action == "recreate"] == [
        f"{project.name}_api_2",
        f"{project.name}_api_3",
    ]


# The pin: whose file it is, what it depends on, what stays open.


@ONE
async def test_foreign_override_is_left_alone_and_the_risk_is_said(
    project: ComposeProject, driven: Driven, undo: Path
) -> None:
    foreign = project.folder / "docker-compose.override.yml"
    foreign.write_text('version: "3.8"\nservices:\n  api:\n    environment: {FROM: override}\n')
    await asyncio.to_thread(project.up)
    until(project.answering)
    changes = await driven.plan("1.0.0")
    assert changes[0].subject == "api in compose.pin.yaml"
    await driven.carry_out(changes, undo)
    assert "pin pending: a plain `up` does not read compose.pin.yaml" in " ".join(driven.said)
    assert "FROM: override" in foreign.read_text()
    ids = project.ids()
    files = ("-f", "docker-compose.yml", "-f", "docker-compose.override.yml", "-f", "compose.pin.yaml")
    await asyncio.to_thread(project.compose, *files, "up", "-d")
    assert project.ids() == ids
    assert all("FROM=override" in one["Config"]["Env"] for one in project.containers())


@ONE
async def test_edited_files_are_not_hidden_by_the_pin(project: ComposeProject, driven: Driven, undo: Path) -> None:
    path = project.folder / "docker-compose.yml"
    path.write_text(path.read_text().replace("restart: always", "restart: always\n    stop_grace_period: 3s"))
    changes = await driven.plan("1.0.0")
    await driven.carry_out(changes, undo)
    assert "pin pending: the Compose files differ from what runs" in " ".join(driven.said)
    await asyncio.to_thread(project.up)  # what was edited is applied, at the release that was rolled back to
    until(project.answering)
    assert project.versions() == ["1.0.0"]
    assert {one["Config"].get("StopTimeout") for one in project.containers()} == {3}


@ONE
async def test_slow_compose_is_waited_for_when_the_pin_is_written(
    project: ComposeProject, driven: Driven, undo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pin_plan, "PLANNING_SECONDS", 0.001)
    changes = await driven.plan("1.0.0")
    assert "Compose has not answered yet" in str(changes[0].params["risks"])
    await driven.carry_out(changes, undo)
    assert not any("pin pending" in line for line in driven.said)
    ids = project.ids()
    await asyncio.to_thread(project.up)
    assert project.ids() == ids


@ONE
async def test_pin_is_guarded_and_its_probe_is_exact(project: ComposeProject, driven: Driven, undo: Path) -> None:
    pin, key = (await driven.plan("1.0.0"))[0], f"{RUN}.1"
    path = project.folder / "docker-compose.override.yml"
    assert (await driven.changer.probe(pin, key, undo)).state is ProbeState.NOT_STARTED
    await driven.changer.protect(pin, key, undo)
    await driven.changer.act(pin, key, undo, driven.said.append)
    assert (await driven.changer.probe(pin, key, undo)).state is ProbeState.DONE
    assert f"# by run {key}\n" in path.read_text() and path.stat().st_mode & 0o777 == 0o644
    path.write_text(path.read_text() + "# edited\n")
    assert (await driven.changer.probe(pin, key, undo)).state is ProbeState.UNKNOWN
    with pytest.raises(VerifyFailed, match="somebody else"):
        await driven.changer.verify(pin, key, Deadline(1), driven.said.append)
    with pytest.raises(VerifyFailed, match="left alone"):
        await driven.changer.undo(pin, key, undo, Deadline(1), driven.said.append)
    assert (await driven.changer.manual(pin, undo)) == (f"rm {path}",)
    path.unlink()
    project.folder.joinpath("docker-compose.yml").write_text("services: {}\n")
    with pytest.raises(Stale, match=r"docker-compose\.yml was changed"):
        await driven.changer.check(pin)
