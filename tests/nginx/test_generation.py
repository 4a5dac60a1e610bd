"""Asking which generation is live: refusals are told as such, and authorities of one's own are trusted."""

from pathlib import Path

import pytest

from actions.model.environment import Environment
from actions.model.services import HttpService
from actions.model.workloads import AddressWorkload, NginxTraffic, Slot, Tls
from actions.platforms.access import Place
from actions.platforms.nginx.driver import traffic_reader
from actions.platforms.nginx.generation import Generations
from tests.certificates import Authority
from tests.hostile_http import answer, bad_server
from tests.nginx.real import RealNginx
from tests.ports import free_port

TOLD = b'{"generation": "01RUN.3", "shares": {"green": 1.0}}'


@pytest.mark.machine("nginx")
async def test_an_address_where_nobody_listens_is_not_a_missing_line_in_the_server_block(nginx: RealNginx) -> None:
    nobody = {"url": f"http://127.0.0.1:{free_port()}"}
    reader = traffic_reader(NginxTraffic.model_validate({**nginx.settings.model_dump(), **nobody}), nginx.place)
    seen = await reader.observe()
    assert seen.drift == f"nobody answers at {nobody['url']}: connection refused"
    await reader.close()
    wrong = {"generation_path": "/elsewhere"}
    reader = traffic_reader(NginxTraffic.model_validate({**nginx.settings.model_dump(), **wrong}), nginx.place)
    assert "the server block needs" in (await reader.observe()).drift
    await reader.close()


async def test_an_authority_of_ones_own_is_trusted_as_for_the_service(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with bad_server(authority.issue("api").server_context()) as server:
        server.answers["/__gen"] = lambda: answer(TOLD)
        slots = {name: Slot(workload=AddressWorkload(url=server.url), url=server.url) for name in ("blue", "green")}
        paths = {"directory": tmp_path, "include": tmp_path / "a.conf", "configuration": tmp_path / "nginx.conf"}
        settings = NginxTraffic.model_validate({"url": server.url, **paths})
        for tls, count in ((Tls(ca=authority.file), 3), (None, 0)):
            service = HttpService(url=server.url, slots=slots, traffic=settings, tls=tls)
            place = Place("test", "api", "green", Environment(services={"api": service}), slots, None)
            asked = Generations(settings, place)
            told = await asked.ask(3)
            await asked.close()
            assert [one.generation for one in told.answers] == ["01RUN.3"] * count
            assert bool(told.trouble) == (count == 0)
        assert server.connections >= 3
