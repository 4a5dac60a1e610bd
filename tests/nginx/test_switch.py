"""The switch against a real nginx: moved, split, taken back, drained."""

import asyncio
import json
import threading

import httpx
import pytest

from actions.model.platform import Change
from actions.model.waiting import Deadline
from actions.platforms.nginx.driver import traffic_changer
from actions.platforms.nginx.include import sha256
from actions.platforms.nginx.observe import MARKER
from tests.nginx.real import RealNginx, wait_for
from tests.nginx.switching import KEY, colour, ignore, planned, switch

pytestmark = pytest.mark.machine("nginx")


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


async def test_the_manual_steps_are_exact(nginx: RealNginx) -> None:
    changer = traffic_changer(nginx.settings, nginx.place)
    (nginx.folder / f"nginx-include-{KEY}").write_text("old")
    params = {"before_generation": "first", "before_sha256": sha256("old")}
    change = Change(slot="green", action="switch", title="", subject="", params=params)
    steps = await changer.manual(change, nginx.folder)
    assert steps[0] == f"cp {nginx.folder}/nginx-include-{KEY} {nginx.settings.include}"
    assert steps[2].endswith("-s reload")
