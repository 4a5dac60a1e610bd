"""Edits by hand, wrong places, lost markers, and others at work."""

import fcntl
import json
import os
import signal
from pathlib import Path

import pytest

from actions.clients.nginx_runners import ContainerRunner
from actions.model.errors import Busy, ConfigError, Refused, Stale, Unreachable, VerifyFailed
from actions.model.waiting import Deadline
from actions.model.words import Gate
from actions.model.workloads import NginxTraffic
from actions.platforms.nginx import lock
from actions.platforms.nginx.driver import traffic_changer, traffic_reader
from actions.platforms.nginx.observe import MARKER, written_names
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
    (noted,) = [note for note in seen.notes if note.id == "marker"]
    said = {None: "there is none", "not json": "nothing that can be read"}.get(content, "says another")
    assert said in noted.evidence and KEY in noted.evidence
    assert noted.gate is (Gate.PASS if content is None else Gate.INCONCLUSIVE)
    again = await reader.plan_switch(seen, {"blue": 1.0, "green": 0.0})
    assert "put right" in (await changer.check(again)).text
    assert json.loads(marker.read_text())["generation"] == KEY
    assert not [note for note in (await reader.observe()).notes if note.id == "marker"]


async def test_an_include_edited_by_hand_is_shown_and_refused_unless_accepted(nginx: RealNginx) -> None:
    reader, changer, _ = await planned(nginx)
    nginx.settings.include.write_text(nginx.settings.include.read_text() + "# a quick fix\n")
    seen = await reader.observe()
    assert "edited by hand" in seen.drift
    assert [note.gate for note in seen.notes if note.id == "drift"] == [Gate.FAIL]
    accepted = await reader.plan_switch(seen, GREEN)
    assert accepted.details == ("the edit by hand is replaced, kept as .vq-active.conf.prev-…",)
    await switch(nginx, changer, accepted)
    assert (await reader.observe()).drift == ""
    kept = nginx.settings.directory / f".vq-active.conf.prev-{KEY}"
    assert kept.read_text().endswith("# a quick fix\n")


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


async def test_a_second_process_in_the_directory_is_refused(nginx: RealNginx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "LOCK_SECONDS", 0.1)
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


async def test_who_only_looks_at_the_lock_breaks_no_switch(nginx: RealNginx, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every open console asks every few seconds; it may hold the lock in the very moment in which a run needs it."""
    _, changer, change = await planned(nginx)
    await changer.protect(change, KEY, nginx.folder)
    looking = os.open(nginx.settings.directory, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    assert lock.is_free(nginx.settings.directory), "those who look are not in each other's way"
    tried, real = list[bool](), lock._taken

    def until_refused(descriptor: int, kind: int) -> bool:
        tried.append(real(descriptor, kind))
        if not tried[-1]:
            fcntl.flock(looking, fcntl.LOCK_UN)
        return tried[-1]

    monkeypatch.setattr(lock, "_taken", until_refused)
    await changer.act(change, KEY, nginx.folder, ignore)
    assert tried == [False, True]
    os.close(looking)


async def test_an_nginx_that_was_restarted_since_planning_is_left_alone(nginx: RealNginx) -> None:
    """The proof needs the master of before: noticed after the switch, users would be moved there and back."""
    _, changer, change = await planned(nginx)
    await changer.check(change)
    await changer.protect(change, KEY, nginx.folder)
    before = nginx.settings.include.read_bytes()
    nginx.kill()
    nginx.start()
    with pytest.raises(Stale, match="nginx was restarted since planning"):
        await changer.check(change)
    with pytest.raises(Stale, match="nothing was moved"):
        await changer.act(change, KEY, nginx.folder, ignore)
    assert nginx.settings.include.read_bytes() == before and await colour(nginx) == "blue"


@pytest.mark.parametrize("included", ["link", "real"])
async def test_a_directory_behind_a_symbolic_link_is_used_as_it_is(nginx: RealNginx, included: str) -> None:
    """nginx names the include as its configuration does, with the link or without."""
    link = nginx.directory / "current"
    link.symlink_to(nginx.settings.directory)
    where = {"directory": link, "include": link / nginx.settings.include.name}
    settings = NginxTraffic.model_validate({**nginx.settings.model_dump(), **where})
    text = settings.configuration.read_text()
    if included == "link":
        settings.configuration.write_text(
            text.replace(f"include {nginx.settings.include};", f"include {where['include']};")
        )
    reader = traffic_reader(settings, nginx.place)
    assert {check.id for check in await reader.permissions() if check.gate is not Gate.PASS} == set()
    changer = traffic_changer(settings, nginx.place)
    await switch(nginx, changer, await reader.plan_switch(await reader.observe(), GREEN))
    assert await colour(nginx) == "green"
    outside = NginxTraffic.model_validate({**settings.model_dump(), "include": nginx.directory / "x.conf"})
    with pytest.raises(ConfigError, match="outside the allowed directory"):
        traffic_changer(outside, nginx.place)


@pytest.mark.parametrize("directory", ["current", "7"])
def test_a_container_sees_a_directory_behind_a_symbolic_link(tmp_path: Path, directory: str) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "current").symlink_to(tmp_path / "7")
    where = {"directory": tmp_path / directory, "include": tmp_path / "current" / "a.conf"}
    settings = NginxTraffic(
        url="http://127.0.0.1:1", configuration=tmp_path / "current" / "nginx.conf", container="nginx",
        container_directory=Path("/etc/vq"), **where,
    )  # fmt: skip
    inside = ContainerRunner(settings).inside
    assert {inside(path) for path in written_names(settings)} == {"/etc/vq/a.conf"}
    assert inside(settings.configuration) == "/etc/vq/nginx.conf"
    assert inside(tmp_path / "nginx.conf") == str(tmp_path / "nginx.conf"), "what is not mounted has its own path"


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
