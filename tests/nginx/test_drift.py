"""Edits by hand, wrong places, lost markers, and others at work (fault matrix row 31)."""

import os
import signal
from pathlib import Path

import pytest

from actions.model.environment import NginxTraffic
from actions.model.errors import Busy, ConfigError, Refused, Stale, Unreachable, VerifyFailed
from actions.model.waiting import Deadline
from actions.model.words import Gate
from actions.platforms.nginx.driver import traffic_changer
from actions.platforms.nginx.observe import MARKER
from tests.nginx.real import RealNginx, wait_for
from tests.nginx.switching import GREEN, KEY, colour, ignore, planned, switch

pytestmark = pytest.mark.machine("nginx")


@pytest.mark.parametrize("content", [None, "not json", '{"generation": "another"}'])
async def test_31_observed_truth_wins_over_the_marker(nginx: RealNginx, content: str | None) -> None:
    reader, changer, change = await planned(nginx)
    await switch(nginx, changer, change)
    marker = nginx.settings.directory / MARKER
    marker.unlink()
    if content is not None:
        marker.write_text(content)
    seen = await reader.observe()
    assert (seen.serving, seen.generation) == ("green", KEY)
    noted = [note for note in seen.notes if note.id == "marker"]
    assert bool(noted) == (content is not None and "another" in content)


async def test_an_include_edited_by_hand_is_shown_and_refused_unless_accepted(nginx: RealNginx) -> None:
    reader, changer, _ = await planned(nginx)
    nginx.settings.include.write_text(nginx.settings.include.read_text() + "# a quick fix\n")
    seen = await reader.observe()
    assert "edited by hand" in seen.drift
    assert [note.gate for note in seen.notes if note.id == "drift"] == [Gate.FAIL]
    accepted = await reader.plan_switch(seen, GREEN)
    await switch(nginx, changer, accepted)
    assert (await reader.observe()).drift == ""


async def test_an_edit_between_plan_and_act_is_stale(nginx: RealNginx) -> None:
    _, changer, change = await planned(nginx)
    nginx.settings.include.write_text(nginx.settings.include.read_text() + "# a quick fix\n")
    with pytest.raises(Stale, match="changed since planning"):
        await changer.check(change)
    await changer.protect(change, KEY, nginx.folder)
    with pytest.raises(Stale, match="nothing was written"):
        await changer.act(change, KEY, nginx.folder, ignore)


async def test_the_way_back_leaves_an_edit_by_somebody_else_alone(nginx: RealNginx) -> None:
    """What a colleague wrote during the incident may be what keeps the service up."""
    reader, changer, change = await planned(nginx)
    await switch(nginx, changer, change)
    theirs = nginx.settings.include.read_text() + "# mira: two more servers, do not touch\n"
    nginx.settings.include.write_text(theirs)
    with pytest.raises(VerifyFailed, match="changed by somebody else meanwhile; it is left alone"):
        await changer.undo(change, KEY, nginx.folder, Deadline(5), ignore)
    assert nginx.settings.include.read_text() == theirs and await colour(nginx) == "green"
    nginx.settings.include.unlink()
    await changer.undo(change, KEY, nginx.folder, Deadline(10), ignore)
    assert (await reader.observe()).serving == "blue" and await colour(nginx) == "blue"


async def test_written_but_not_reloaded_is_drift(nginx: RealNginx) -> None:
    reader, changer, change = await planned(nginx)
    text = changer._text(change, "later")
    nginx.settings.include.write_text(text)
    assert (await reader.observe()).drift == "written later, live first: not reloaded"


async def test_a_second_process_in_the_directory_is_refused(nginx: RealNginx) -> None:
    import fcntl

    reader, changer, change = await planned(nginx)
    await changer.protect(change, KEY, nginx.folder)
    holder = os.open(nginx.settings.directory, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    try:
        with pytest.raises(Busy, match="locked by another process"):
            await changer.act(change, KEY, nginx.folder, ignore)
        assert Gate.FAIL in [check.gate for check in await reader.permissions()]
    finally:
        os.close(holder)
    assert await colour(nginx) == "blue"


def test_an_include_outside_the_allowed_directory_is_a_configuration_error(nginx: RealNginx, tmp_path: Path) -> None:
    for include in (tmp_path / "elsewhere.conf", nginx.settings.directory / ".." / "x.conf"):
        settings = NginxTraffic.model_validate({**nginx.settings.model_dump(), "include": include})
        with pytest.raises(ConfigError, match="outside the allowed directory"):
            traffic_changer(settings, nginx.place)
    link = nginx.settings.directory / "link.conf"
    link.symlink_to(tmp_path / "elsewhere.conf")
    with pytest.raises(ConfigError, match="symbolic link"):
        traffic_changer(NginxTraffic.model_validate({**nginx.settings.model_dump(), "include": link}), nginx.place)


async def test_a_dead_nginx_is_unreachable_and_refuses_a_switch(nginx: RealNginx) -> None:
    reader, changer, change = await planned(nginx)
    os.kill(nginx.pid, signal.SIGTERM)
    wait_for(lambda: not (nginx.directory / "nginx.pid").exists())
    with pytest.raises(Unreachable, match="does not run"):
        await reader.observe()
    with pytest.raises(Refused, match="does not run"):
        await changer.check(change)
    nginx.start()
