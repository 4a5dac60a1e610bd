"""Reloads that say they worked and did not: found by what nginx answers, and told with nginx's own reason."""

import socket
from collections.abc import Callable

import pytest

from actions.model.errors import VerifyFailed
from actions.model.waiting import Deadline
from tests.nginx.real import RealNginx
from tests.nginx.switching import KEY, colour, ignore, planned

pytestmark = pytest.mark.machine("nginx")
LONG = 60.0
"""Seconds that no test waits: nginx refused, so nothing is waited for."""


async def refused(nginx: RealNginx, at_reload: Callable[[], object] = lambda: None) -> str:
    """What a switch says whose reload nginx refuses, and that users notice nothing; then it is undone."""
    reader, changer, change = await planned(nginx)
    await changer.check(change)
    await changer.protect(change, KEY, nginx.folder)
    await changer.act(change, KEY, nginx.folder, lambda _: at_reload() and None)
    with pytest.raises(VerifyFailed) as said:
        await changer.verify(change, KEY, Deadline(LONG), ignore)
    assert await colour(nginx) == "blue"
    told = await changer.undo(change, KEY, nginx.folder, Deadline(LONG), ignore)
    assert "generation first answers again" in told.text
    assert (await reader.observe()).drift == ""
    return said.value.message


@pytest.fixture(autouse=True)
def sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way back waits for a late bind; which of these reloads still tries is not what is asked here."""
    monkeypatch.setattr("actions.platforms.nginx.change.STEADY_SECONDS", 0.1)


async def test_a_port_in_use(nginx: RealNginx) -> None:
    with socket.socket() as obstacle:
        obstacle.bind(("127.0.0.1", 0))
        obstacle.listen()
        more = f"server {{ listen 127.0.0.1:{obstacle.getsockname()[1]}; }}"
        (nginx.directory / "extra" / "more.conf").write_text(more)
        said = await refused(nginx)
    assert "refused the configuration" in said and "could not bind" in said


async def test_a_zone_of_requests_with_another_key(nginx: RealNginx) -> None:
    """nginx -t compares with nothing; the running nginx does."""
    limit = nginx.directory / "extra" / "limit.conf"
    limit.write_text("limit_req_zone $binary_remote_addr zone=api:1m rate=9r/s;")
    nginx.kill()
    nginx.start()
    limit.write_text("limit_req_zone $http_x_customer zone=api:1m rate=9r/s;")
    said = await refused(nginx)
    assert "refused the configuration" in said and "$http_x_customer" in said and "previously" in said


async def test_a_log_that_cannot_be_opened_any_more(nginx: RealNginx) -> None:
    logs = nginx.directory / "logs"
    logs.mkdir()
    (nginx.directory / "extra" / "log.conf").write_text(f"access_log {logs}/access.log;")
    nginx.settings.configuration.write_text(nginx.settings.configuration.read_text().replace("access_log off;", ""))

    def gone() -> None:
        (logs / "access.log").unlink()
        logs.rmdir()

    said = await refused(nginx, gone)
    assert "refused the configuration" in said and "No such file or directory" in said
