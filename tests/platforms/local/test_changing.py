"""Changing one supervised process: the way back while a change is under way, and to what did not run."""

import asyncio
import sys
from pathlib import Path

import pytest

from actions.clients.processes import ProcessSpec, ProcessState
from actions.clients.supervisor import SupervisorWriter
from actions.model.errors import VerifyFailed
from actions.model.platform import Change
from actions.model.waiting import Deadline, until
from actions.model.words import ProbeState
from actions.platforms.local.change import LocalChanger
from tests.platforms.local.test_supervisor import directory, supervisor

__all__ = ["directory", "supervisor"]

KEY = "run.3"
STUBBORN = """
import pathlib, signal, sys
signal.signal(signal.SIGTERM, lambda *_: pathlib.Path(sys.argv[1]).touch())
pathlib.Path(sys.argv[1] + ".up").touch()
while True:
    signal.pause()
"""
WORKS_IN_B = "import signal, sys; sys.exit(4) if sys.argv[1] == 'a' else signal.pause()"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "undo"
    place.mkdir(mode=0o700)
    return place


def spec(tmp_path: Path, *argv: str, **more: object) -> ProcessSpec:
    """A process of release a, with b at hand."""
    for version in ("a", "b"):
        (tmp_path / "releases" / version).mkdir(parents=True)
        (tmp_path / "releases" / version / "manifest.json").write_text("{}")
    known = {"release": "a", "artefact": "sha:a", "releases": tmp_path / "releases", "backoff_seconds": 0.02}
    return ProcessSpec.model_validate({"name": "one", "argv": (sys.executable, "-c", *argv), **known, **more})


def to_b(generation: int = 1) -> Change:
    params = {"process": "one", "generation": generation, "release": "b", "artefact": "sha:b"}
    return Change(slot="main", action="replace", title="t", subject="one", before="a", after="b", params=params)


async def until_there(path: Path) -> None:
    async def look() -> bool:
        return path.exists()

    await until(look, bool, Deadline(10), lambda _: f"{path} is not there")


async def test_a_change_whose_old_process_stops_slowly_is_seen_and_undone(
    supervisor: SupervisorWriter, directory: Path, tmp_path: Path, folder: Path
) -> None:
    told = tmp_path / "told"
    await supervisor.replace(spec(tmp_path, STUBBORN, str(told), stop_seconds=0.6), key="k0", expected=0)
    await until_there(tmp_path / "told.up")
    changer, change = LocalChanger(directory, None), to_b()
    await changer.protect(change, KEY, folder)
    acting = asyncio.create_task(changer.act(change, KEY, folder, lambda _: None))
    await until_there(told)  # the old process was told to stop, and takes its time
    acting.cancel()  # the executor dies right after it has sent the request
    probe = await changer.probe(change, KEY, folder)
    assert probe.state is not ProbeState.NOT_STARTED, probe.evidence
    assert "one runs a again" in (await changer.undo(change, KEY, folder, Deadline(20), lambda _: None)).text
    facts = await supervisor.process("one")
    assert (facts.release, facts.state) == ("a", ProcessState.RUNNING)
    assert facts.keys == ("k0", KEY, f"{KEY}.undo")


async def test_what_still_runs_is_not_called_what_comes_next(
    supervisor: SupervisorWriter, directory: Path, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    first = spec(tmp_path, STUBBORN, str(told), stop_seconds=1)
    await supervisor.replace(first, key="k0", expected=0)
    await until_there(tmp_path / "told.up")
    going = asyncio.create_task(
        supervisor.replace(first.model_copy(update={"release": "b", "artefact": "sha:b"}), key="k1", expected=1)
    )
    await until_there(told)
    facts = await supervisor.process("one")
    assert "k1" in facts.keys and (facts.release, facts.artefact) == ("a", "sha:a")
    assert (await going).release == "b"


@pytest.mark.parametrize("in_place", [True, False])
async def test_a_release_that_ended_again_and_again_replaces_none_that_runs(
    in_place: bool, supervisor: SupervisorWriter, directory: Path, tmp_path: Path, folder: Path
) -> None:
    await supervisor.replace(spec(tmp_path, WORKS_IN_B, "{release}"), key="k0", expected=0)
    await until(
        lambda: supervisor.process("one"), lambda one: one.state is ProcessState.CRASH_LOOPING, Deadline(20), str
    )
    changer, change = LocalChanger(directory, None, in_place=in_place), to_b()
    await changer.protect(change, KEY, folder)
    await changer.act(change, KEY, folder, lambda _: None)
    await changer.verify(change, KEY, Deadline(20), lambda _: None)
    if in_place:
        with pytest.raises(VerifyFailed, match="a did not, going back would be worse"):
            await changer.undo(change, KEY, folder, Deadline(20), lambda _: None)
        facts = await supervisor.process("one")
        assert (facts.release, facts.state) == ("b", ProcessState.RUNNING)
    else:  # behind a traffic driver users are elsewhere by then: the slot is given back as it was
        assert "as before" in (await changer.undo(change, KEY, folder, Deadline(20), lambda _: None)).text
        assert (await supervisor.process("one")).release == "a"
