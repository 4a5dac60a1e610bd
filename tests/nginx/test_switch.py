"""The switch against a real nginx: the happy way and every fault of it (fault matrix rows 27 to 31)."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import threading
from pathlib import Path

import httpx
import pytest

from actions.model import crash
from actions.model.environment import NginxTraffic
from actions.model.errors import Busy, ConfigError, Refused, Stale, Unreachable, VerifyFailed
from actions.model.platform import Change
from actions.model.waiting import Deadline
from actions.model.words import Gate, ProbeState
from actions.platforms.nginx import change as change_module
from actions.platforms.nginx.change import NginxChanger
from actions.platforms.nginx.driver import NginxTrafficReader, traffic_changer, traffic_reader
from actions.platforms.nginx.observe import MARKER
from tests.nginx.conftest import RealNginx, wait_for

KEY = "01RUN.3"
GREEN = {"blue": 0.0, "green": 1.0}


def ignore(_: str) -> None:
    """Progress is not looked at here."""


async def planned(
    nginx: RealNginx, shares: dict[str, float] = GREEN
) -> tuple[NginxTrafficReader, NginxChanger, Change]:
    reader = traffic_reader(nginx.settings, nginx.place)
    return (
        reader,
        traffic_changer(nginx.settings, nginx.place),
        await reader.plan_switch(await reader.observe(), shares),
    )


async def switch(nginx: RealNginx, changer: NginxChanger, change: Change, key: str = KEY) -> str:
    await changer.check(change)
    await changer.protect(change, key, nginx.folder)
    await changer.act(change, key, nginx.folder, ignore)
    return (await changer.verify(change, key, Deadline(10), ignore)).text


async def colour(nginx: RealNginx) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://127.0.0.1:{nginx.port}/", headers={"Connection": "close"})).headers[
            "X-Colour"
        ]


async def test_a_switch_moves_what_users_reach_and_is_proved_on_fresh_connections(nginx: RealNginx) -> None:
    reader, changer, change = await planned(nginx)
    assert await colour(nginx) == "blue"
    told = await switch(nginx, changer, change)
    assert await colour(nginx) == "green"
    assert "5 of 5 fresh connections" in told
    seen = await reader.observe()
    assert (seen.serving, seen.generation, seen.drift) == ("green", KEY, "")
    assert json.loads((nginx.settings.directory / MARKER).read_text())["generation"] == KEY


async def test_a_weighted_split_gives_both_colours_their_share(nginx: RealNginx) -> None:
    _, changer, change = await planned(nginx, {"blue": 0.75, "green": 0.25})
    await switch(nginx, changer, change)
    seen = [await colour(nginx) for _ in range(40)]
    assert 0 < seen.count("green") < seen.count("blue")


async def test_undo_returns_to_the_old_colour_and_proves_it(nginx: RealNginx) -> None:
    reader, changer, change = await planned(nginx)
    await switch(nginx, changer, change)
    told = await changer.undo(change, KEY, nginx.folder, Deadline(10), ignore)
    assert "generation first answers again" in told.text
    assert await colour(nginx) == "blue"
    assert (await reader.observe()).drift == ""


async def test_a_flip_under_load_loses_no_request(nginx: RealNginx) -> None:
    """On connections of their own: a kept-alive one that an old worker closes while idle is the client's to repeat
    (RFC 9112 section 9.3.1), and httpx leaves that to its caller."""
    _, changer, change = await planned(nginx)
    results: list[int] = []
    stop = asyncio.Event()

    async def load() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            while not stop.is_set():
                answer = await client.get(f"http://127.0.0.1:{nginx.port}/", headers={"Connection": "close"})
                results.append(answer.status_code)

    workers = [asyncio.create_task(load()) for _ in range(4)]
    while len(results) < 100:
        await asyncio.sleep(0.01)
    await switch(nginx, changer, change)
    before = len(results)
    while len(results) < before + 100:
        await asyncio.sleep(0.01)
    stop.set()
    await asyncio.gather(*workers)
    assert set(results) == {200}


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
        with pytest.raises(VerifyFailed, match="0 of 5 fresh connections"):
            await changer.verify(change, KEY, Deadline(1), ignore)
        (nginx.directory / "extra" / "more.conf").unlink()
        await changer.undo(change, KEY, nginx.folder, Deadline(10), ignore)
        log = nginx.directory / "error.log"
        wait_for(lambda: b"still could not bind" in log.read_bytes())
    seen = await reader.observe()
    assert (seen.serving, seen.generation, seen.drift) == ("blue", "first", "")


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


async def test_drain_counts_old_workers_until_their_requests_end(nginx: RealNginx) -> None:
    reader, changer, change = await planned(nginx)
    answers: list[str] = []

    def slow() -> None:
        answers.append(
            httpx.get(f"http://127.0.0.1:{nginx.port}/slow", timeout=30, trust_env=False).headers["X-Version"]
        )

    request = threading.Thread(target=slow)
    request.start()
    wait_for(nginx.colours["blue"].entered.is_set)
    await switch(nginx, changer, change)
    assert await reader.in_flight("blue") == 1
    nginx.colours["blue"].release.set()
    request.join(10)
    while await reader.in_flight("blue"):
        await asyncio.sleep(0.02)
    assert answers == ["2.4.1"], "the request that was under way finished on the old colour"


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


def test_the_manual_steps_are_exact(nginx: RealNginx) -> None:
    changer = traffic_changer(nginx.settings, nginx.place)
    (nginx.folder / f"nginx-include-{KEY}").write_text("old")
    change = Change(slot="green", action="switch", title="", subject="", params={"before_generation": "first"})
    steps = changer.manual(change, nginx.folder)
    assert steps[0] == f"cp {nginx.folder}/nginx-include-{KEY} {nginx.settings.include}"
    assert steps[2].endswith("-s reload")
