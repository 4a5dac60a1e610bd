"""The steps of a switch as a runner takes them, and what users see."""

import asyncio
import http.client

from actions.model.platform import Change
from actions.model.waiting import Deadline
from actions.platforms.nginx.change import NginxChanger
from actions.platforms.nginx.driver import NginxTrafficReader, traffic_changer, traffic_reader
from tests.nginx.real import RealNginx

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
    """The colour that a fresh connection reaches."""

    def asked() -> str:
        connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
        connection.request("GET", "/", headers={"Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return str(answer.headers["X-Colour"])

    return await asyncio.to_thread(asked)
