"""The include tested on its own: as wide as the real configuration may be, and asked long before it is needed."""

import pytest

from actions.model.errors import Refused
from actions.platforms.nginx.driver import NginxTrafficReader, traffic_changer, traffic_reader
from tests.nginx.real import RealNginx
from tests.nginx.switching import GREEN, KEY, ignore

pytestmark = pytest.mark.machine("nginx")
LONG = "unix:/tmp/" + "a" * 70 + "/api.sock"


def reaching(nginx: RealNginx, green: str) -> NginxTrafficReader:
    """Green at another address than its own."""
    nginx.slots = {**nginx.slots, "green": nginx.slots["green"].model_copy(update={"address": green})}
    return traffic_reader(nginx.settings, nginx.place)


async def test_a_long_address_that_the_configuration_takes_is_taken(nginx: RealNginx) -> None:
    settings = nginx.settings
    text = settings.configuration.read_text()
    settings.configuration.write_text(text.replace("http {", "http { map_hash_bucket_size 256;"))
    reader = reaching(nginx, LONG)
    changer = traffic_changer(settings, nginx.place)
    change = await reader.plan_switch(await reader.observe(), GREEN)
    await changer.check(change)
    await changer.protect(change, KEY, nginx.folder)
    await changer.act(change, KEY, nginx.folder, ignore)
    assert LONG in settings.include.read_text()


@pytest.mark.parametrize(("address", "said"), [
    ("no-such-host.invalid:80", "host not found"), ("127.0.0.1:99999", "invalid port"),
])  # fmt: skip
async def test_an_address_that_nginx_refuses_is_known_before_the_night(
    nginx: RealNginx, address: str, said: str
) -> None:
    reader = reaching(nginx, address)
    seen, before = await reader.observe(), sorted(nginx.settings.directory.iterdir())
    with pytest.raises(Refused, match=f"would not pass nginx -t: .*{said}"):
        await reader.plan_switch(seen, GREEN)
    assert sorted(nginx.settings.directory.iterdir()) == before, "looking writes nothing"
    await reader.plan_switch(seen, {"blue": 1.0, "green": 0.0})  # what is left may be dying, its name too


async def test_what_passed_is_not_tested_again(nginx: RealNginx, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness is asked every few seconds by every console."""
    reader, tested = traffic_reader(nginx.settings, nginx.place), list[str]()
    real = reader._client.test_text

    async def counted(text: str) -> object:
        tested.append(text)
        return await real(text)

    monkeypatch.setattr(reader._client, "test_text", counted)
    seen = await reader.observe()
    for shares in (GREEN, GREEN, {"blue": 0.5, "green": 0.5}, GREEN):
        await reader.plan_switch(seen, shares)
    assert [text.count("    server 127.0.0.1:") for text in tested] == [1, 2]
