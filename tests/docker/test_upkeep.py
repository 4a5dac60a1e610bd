"""Outside of runs: good images keep a name of ours, evidence goes when its time is over; a look changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from actions.config import load
from actions.desk import open_operator, open_viewer
from actions.keeper import keeping
from actions.keeper.keeping import Keeping
from actions.ledger import open_writer
from actions.ledger.writer import LedgerWriter
from actions.model.environment import Policy
from actions.model.plan import Level, RollbackRequest
from actions.model.words import Verdict
from actions.platforms.access import WriteAccess
from actions.platforms.compose import pin_plan
from actions.platforms.compose.labels import keep_repository, keep_tag
from actions.releases.upkeep import held, keep_up
from actions.runner import process
from tests.docker.images import make_version
from tests.docker.project import ComposeProject
from tests.docker.test_project import Driven
from tests.releases.making import artefact, release

pytestmark = pytest.mark.machine("docker")
NOW = datetime.now(UTC)


@pytest.fixture
def project(engine: Any, releases: dict[str, str], tmp_path: Path) -> Iterator[ComposeProject]:
    with ComposeProject(tmp_path, "1.1.0", engine=engine, replicas=1) as one:
        yield one


@pytest.fixture
async def access(project: ComposeProject) -> AsyncIterator[WriteAccess]:
    environment = load(project.config).environments["shop"]
    one = WriteAccess("shop", environment.model_copy(update={"policy": Policy(keep_releases=1)}))
    yield one
    await one.close()


@pytest.fixture
def ledger(project: ComposeProject) -> Iterator[LedgerWriter]:
    writer = open_writer(project.folder / "ledger")
    yield writer
    writer.close()


def seed(ledger: LedgerWriter, version: str, image: str, *, days: float, verdict: Verdict = Verdict.GOOD) -> None:
    made = artefact(version, reference=image).model_dump(mode="json")
    row = release(version, verdict, days=days, reference=image, environment="shop", artefact=made)
    ledger.save_release(row)


def present(engine: Any, image: str) -> bool:
    return any(one["Id"] == image for one in engine.images(all=True))


def names(engine: Any, project: ComposeProject) -> set[str]:
    """The names that upkeep gave to images of this project."""
    listed = [name for image in engine.images(all=True) for name in image["RepoTags"] or []]
    return {name for name in listed if name.startswith(f"{keep_repository(project.name, 'api')}:")}


async def test_a_good_image_without_a_name_survives_a_prune_until_it_leaves_the_kept_ones(
    engine: Any, project: ComposeProject, access: WriteAccess, ledger: LedgerWriter, releases: dict[str, str]
) -> None:
    mark = {"vq-tui-test.prune": project.name}
    good = await asyncio.to_thread(lambda: make_version(engine, "2.0.0", tag="", labels=mark))
    nobody = await asyncio.to_thread(lambda: make_version(engine, "0.9.0", tag="", labels=mark))
    seed(ledger, "2.0.0", good, days=1)
    seed(ledger, "1.1.0", releases["1.1.0"], days=0)
    done = await keep_up(access, ledger, "keeper")
    expected = {f"{keep_repository(project.name, 'api')}:{keep_tag('2.0.0', good)}"}
    assert expected < names(engine, project)
    assert len([line for line in done if project.name in line]) == 2
    assert project.name in next(iter(expected)) and "api" in next(iter(expected)), "people see whose name it is"
    assert await keep_up(access, ledger, "keeper") == (), "what is done is not done again"
    assert [note.kind for note in ledger.changes("shop")].count("upkeep") == 1
    engine.prune_images(filters={"dangling": True, "label": f"vq-tui-test.prune={project.name}"})
    assert engine.inspect_image(good)["Id"] == good and not present(engine, nobody)
    seed(ledger, "3.0.0", releases["1.0.0"], days=0.5)
    await keep_up(access, ledger, "keeper")
    assert not expected & names(engine, project) and not present(engine, good)


async def test_evidence_goes_when_its_time_is_over_and_only_of_this_service(
    engine: Any, project: ComposeProject, access: WriteAccess, ledger: LedgerWriter, undo: Path
) -> None:
    driven = Driven(project)
    await driven.carry_out(await driven.plan("1.0.0"), undo)
    await driven.access.close()
    foreign = engine.create_container(project.containers()[0]["Image"])["Id"]
    since = (NOW - timedelta(days=30)).isoformat(timespec="seconds")
    marks = [f'LABEL "vq-tui.evidence"="{foreign}"', f'LABEL "vq-tui.evidence.since"="{since}"']
    engine.commit(foreign, repository="vq-tui/evidence", tag=f"other-{project.name}", changes=marks)
    engine.remove_container(foreign)
    ids = project.ids()
    assert not [line for line in await keep_up(access, ledger, "keeper") if "evidence" in line]
    later = NOW + timedelta(hours=25)
    (line,) = [line for line in await keep_up(access, ledger, "keeper", later) if "evidence" in line]
    assert project.name in line and project.ids() == ids
    assert any(line in note.text for note in ledger.changes("shop")), "what was removed is written down"
    assert engine.inspect_image(f"vq-tui/evidence:other-{project.name}"), "that of others is not ours to judge"
    engine.remove_image(f"vq-tui/evidence:other-{project.name}")


async def test_nothing_is_tidied_while_a_run_is_under_way(
    engine: Any, project: ComposeProject, access: WriteAccess, ledger: LedgerWriter, releases: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    seed(ledger, "1.0.0", releases["1.0.0"], days=1)
    monkeypatch.setattr(type(ledger), "active", lambda *_: object())
    assert await keep_up(access, ledger, "keeper") == () and not names(engine, project)


async def test_looking_and_planning_give_no_names(
    engine: Any, project: ComposeProject, ledger: LedgerWriter, releases: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(pin_plan, "PLANNING_SECONDS", 0.01)  # a Compose that is waited for outlasts the budget
    seed(ledger, "1.0.0", releases["1.0.0"], days=1)
    viewer = open_viewer(load(project.config), project.config, "shop")
    await viewer.start()
    try:
        request = RollbackRequest(environment="shop", service="api", to=releases["1.0.0"], level=Level.MANUAL)
        offer = await viewer.offer(request)
        assert offer.plan is not None, offer.refusal
    finally:
        await viewer.close()
    assert not names(engine, project)


@pytest.mark.parametrize("who", ["keeper", "console", "executor"])
async def test_whoever_is_there_does_it(
    who: str,
    engine: Any,
    project: ComposeProject,
    ledger: LedgerWriter,
    releases: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seed(ledger, "1.0.0", releases["1.0.0"], days=1)
    if who == "executor":
        monkeypatch.setattr(process, "_configured", lambda *_: ("shop", load(project.config).environments["shop"]))
        await asyncio.to_thread(process._tidy, ledger, "any")
        assert len(names(engine, project)) == 1
        return
    if who == "keeper":
        monkeypatch.setattr(keeping, "FIRST_SECONDS", 0.01)
        watch = Keeping(project.folder / "ledger", project.config, lambda _: None)
        task = asyncio.create_task(watch.run())
        await _until(lambda: len(names(engine, project)) == 1)
        watch.stop()
        await task
        return
    monkeypatch.setattr("actions.desk.operator.FIRST_SECONDS", 0.01)
    operator = open_operator(load(project.config), project.config, "shop")
    await operator.start()
    try:
        await _until(lambda: len(names(engine, project)) == 1)
    finally:
        await operator.close()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.05)


def test_the_newest_good_ones_are_held_and_a_bad_one_is_left_alone() -> None:
    rows = [
        release(f"1.0.{number}", days=number, artefact=artefact(f"1.0.{number}").model_dump(mode="json"))
        for number in range(5)
    ]
    rows += [release("bad", Verdict.BAD, days=9), release("new", Verdict.CANDIDATE, days=0)]
    holding = held(rows, 2)
    assert [one.version for one in holding.keep] == ["1.0.0", "1.0.1", "1.0.2"]
    assert holding.let_go == {"ref:1.0.3", "ref:1.0.4"} and len(holding.known) == len(rows)
