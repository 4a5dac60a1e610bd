"""Syntax errors, reloads that do not take, and crashes."""

import contextlib
import os
import socket
from pathlib import Path

import pytest

from actions.ledger.locks import held_descriptors
from actions.ledger.locks import locked as ledger_lock
from actions.model import crash
from actions.model.errors import Refused, VerifyFailed
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.platforms.nginx import change as change_module
from actions.platforms.nginx.driver import traffic_changer
from actions.platforms.nginx.observe import MARKER
from tests.nginx.real import RealNginx, wait_for
from tests.nginx.switching import KEY, colour, ignore, planned, switch

pytestmark = pytest.mark.machine("nginx")


async def test_27_a_syntax_error_is_caught_before_anything_is_replaced(
    nginx: RealNginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, changer, change = await planned(nginx)
    before = nginx.settings.include.read_bytes()
    real = change_module.render
    monkeypatch.setattr(change_module, "render", lambda *given: real(*given).replace("weight=1", "weight=none"))
    await changer.protect(change, KEY, nginx.folder)
    with pytest.raises(Refused, match="nothing was replaced"):
        await changer.act(change, KEY, nginx.folder, ignore)
    assert nginx.settings.include.read_bytes() == before
    assert await colour(nginx) == "blue"
    assert not [path for path in nginx.settings.directory.iterdir() if "candidate" in path.name or "test" in path.name]


async def test_27_a_fault_elsewhere_in_the_configuration_puts_the_old_include_back(nginx: RealNginx) -> None:
    _, changer, change = await planned(nginx)
    before = nginx.settings.include.read_bytes()
    (nginx.directory / "extra" / "broken.conf").write_text("server { listen nonsense:; }")
    await changer.protect(change, KEY, nginx.folder)
    with pytest.raises(Refused, match="the old one is back"):
        await changer.act(change, KEY, nginx.folder, ignore)
    assert nginx.settings.include.read_bytes() == before


async def test_28_a_reload_that_does_not_take_is_detected_reverted_and_cannot_apply_later(nginx: RealNginx) -> None:
    reader, changer, change = await planned(nginx)
    with socket.socket() as obstacle:
        obstacle.bind(("127.0.0.1", 0))
        obstacle.listen()
        taken = obstacle.getsockname()[1]
        (nginx.directory / "extra" / "more.conf").write_text(f"server {{ listen 127.0.0.1:{taken}; }}")
        await changer.check(change)
        await changer.protect(change, KEY, nginx.folder)
        await changer.act(change, KEY, nginx.folder, ignore)
        with pytest.raises(VerifyFailed, match="0 of 5 fresh connections.*Address already in use"):
            await changer.verify(change, KEY, Deadline(1), ignore)
        (nginx.directory / "extra" / "more.conf").unlink()
        await changer.undo(change, KEY, nginx.folder, Deadline(10), ignore)
        log = nginx.directory / "error.log"
        wait_for(lambda: b"still could not bind" in log.read_bytes())
    seen = await reader.observe()
    assert (seen.serving, seen.generation, seen.drift) == ("blue", "first", "")


async def test_28_the_way_back_is_proved_while_the_obstacle_stays(
    nginx: RealNginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_module, "STEADY_SECONDS", 0.2)
    reader, changer, change = await planned(nginx)
    workers = (await changer._client.master()).workers
    with socket.socket() as obstacle:
        obstacle.bind(("127.0.0.1", 0))
        obstacle.listen()
        taken = obstacle.getsockname()[1]
        (nginx.directory / "extra" / "more.conf").write_text(f"server {{ listen 127.0.0.1:{taken}; }}")
        await changer.protect(change, KEY, nginx.folder)
        await changer.act(change, KEY, nginx.folder, ignore)
        with pytest.raises(VerifyFailed, match="0 of 5 fresh connections.*Address already in use"):
            await changer.verify(change, KEY, Deadline(1), ignore)
        told = await changer.undo(change, KEY, nginx.folder, Deadline(15), ignore)
    assert "generation first answers again" in told.text
    assert (await changer._client.master()).workers == workers
    assert (await reader.observe()).drift == ""


class Crashed(BaseException):
    """The executor died here."""


@pytest.mark.parametrize(
    ("point", "found"),
    [
        ("nginx.before-replace", ProbeState.NOT_STARTED),
        ("nginx.after-replace", ProbeState.PARTIAL),
        ("nginx.after-reload", ProbeState.DONE),
    ],
)
async def test_29_after_a_crash_the_probe_decides_and_acting_again_goes_on(
    nginx: RealNginx, monkeypatch: pytest.MonkeyPatch, point: str, found: ProbeState
) -> None:
    reader, changer, change = await planned(nginx)

    def die(name: str) -> None:
        if name == point:
            raise Crashed

    monkeypatch.setattr(change_module, "crashpoint", die)
    await changer.check(change)
    await changer.protect(change, KEY, nginx.folder)
    with contextlib.suppress(Crashed):
        await changer.act(change, KEY, nginx.folder, ignore)
    monkeypatch.setattr(change_module, "crashpoint", crash.crashpoint)
    fresh = traffic_changer(nginx.settings, nginx.place)
    if found is ProbeState.DONE:
        await fresh.verify(change, KEY, Deadline(10), ignore)
    assert (await fresh.probe(change, KEY, nginx.folder)).state is found
    if found is not ProbeState.DONE:
        await fresh.act(change, KEY, nginx.folder, ignore)
    await fresh.verify(change, KEY, Deadline(10), ignore)
    assert (await reader.observe()).serving == "green"


async def test_29_a_crash_inside_undo_is_undone_again(nginx: RealNginx, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, changer, change = await planned(nginx)
    await switch(nginx, changer, change)

    def die(name: str) -> None:
        if name == "nginx.undo-after-replace":
            raise Crashed

    monkeypatch.setattr(change_module, "crashpoint", die)
    with contextlib.suppress(Crashed):
        await changer.undo(change, KEY, nginx.folder, Deadline(10), ignore)
    assert (await changer.probe(change, KEY, nginx.folder)).state is ProbeState.PARTIAL
    monkeypatch.setattr(change_module, "crashpoint", crash.crashpoint)
    await changer.undo(change, KEY, nginx.folder, Deadline(10), ignore)
    seen = await reader.observe()
    assert (seen.serving, seen.drift) == ("blue", "")


async def test_the_reload_is_given_the_locks_of_the_run_and_of_the_directory(
    nginx: RealNginx, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Should the executor die right then, its child still holds them until it has ended."""
    _, changer, change = await planned(nginx)
    await changer.protect(change, KEY, nginx.folder)
    given, real = list[os.stat_result](), changer._client.reload
    before = {os.fstat(one).st_ino for one in held_descriptors()}  # of other tests of this process

    async def watched(keep: tuple[int, ...] = ()) -> object:
        given.extend(os.fstat(one) for one in keep)
        return await real(keep)

    monkeypatch.setattr(changer._client, "reload", watched)
    with ledger_lock(tmp_path / "target.lock"):
        await changer.act(change, KEY, nginx.folder, ignore)
        await changer.verify(change, KEY, Deadline(10), ignore)
    files = (nginx.settings.directory, tmp_path / "target.lock")
    assert {one.st_ino for one in given} - before == {path.stat().st_ino for path in files}


async def test_a_marker_that_cannot_be_written_fails_no_switch(nginx: RealNginx) -> None:
    _, changer, change = await planned(nginx)
    (nginx.settings.directory / MARKER).mkdir()
    assert "the marker could not be written" in await switch(nginx, changer, change)
    assert await colour(nginx) == "green"
