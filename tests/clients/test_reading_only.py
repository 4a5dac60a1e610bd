"""Row 56: behind the missing method stands a second refusal: the transport of a reading client sends no change."""

import asyncio
import inspect
from pathlib import Path
from typing import Any

import pytest

from actions.clients.docker.connection import Connection, bounded_client
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.clients.local_api import LocalApi
from actions.clients.router import RouterReader, RouterWriter
from actions.clients.supervisor import SupervisorReader, SupervisorWriter
from actions.config import load
from actions.model.errors import ReadOnlyError
from actions.platforms.access import Access

WRITES: dict[str, tuple[Any, ...]] = {
    "create": ("name", {"Image": "x"}),
    "connect": ("c", "network", {}),
    "restart_policy": ("c", {"Name": "no", "MaximumRetryCount": 0}),
    "stop": ("c", 1.0),
    "start": ("c",),
    "rename": ("c", "name"),
    "put": ("c", b""),
    "remove": ("c",),
    "tag": ("image", "repository", "tag"),
    "untag": ("name",),
    "commit": ("c", "repository", "tag", {}),
}
"""Every call of the writing half, with some arguments."""


def public(kind: type) -> set[str]:
    return {name for name, one in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def test_reading_halves_have_no_method_that_writes() -> None:
    assert public(DockerWriter) - {"close"} == set(WRITES)
    assert not public(DockerReader) & set(WRITES)
    assert not public(SupervisorReader) & (public(SupervisorWriter) - {"list", "process", "record", "log_tail"})
    assert public(RouterReader) == {"state"} and public(RouterWriter) == {"state", "switch"}
    assert public(LocalApi) == {"read"}


@pytest.mark.parametrize("name", WRITES)
async def test_nothing_that_changes_an_engine_leaves_a_reading_connection(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The writing half's own calls, over the connection that a reading half has. Nobody listens there."""
    pytest.importorskip("docker")
    monkeypatch.setattr(
        "actions.clients.docker.connection.bounded_client",
        lambda *words, **more: bounded_client(*words, **more, version="1.41"),
    )
    half = DockerWriter(f"unix://{tmp_path}/none.sock")
    half._connection = Connection(half.host)
    with pytest.raises(ReadOnlyError, match="a client that only reads sends no (POST|PUT|DELETE)"):
        await getattr(half, name)(*WRITES[name])


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
async def test_nothing_that_changes_a_helper_leaves_a_reading_client(method: str, tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_unix_server(connected, str(tmp_path / "supervisor.sock"))
    async with server:
        for half in (SupervisorReader(tmp_path), RouterReader(f"unix://{tmp_path}/supervisor.sock")):
            with pytest.raises(ReadOnlyError, match=f"sends no {method}"):
                await half._api._call(method, "/processes/one", {}, 1)
    assert heard == []


CONFIG = """
ledger = "{place}/ledger"
[environments.shop.services.api]
kind = "http"
url = "http://127.0.0.1:9"
[environments.shop.services.api.workload]
driver = "{driver}"
service = "api"
{more}
"""


@pytest.mark.parametrize(("driver", "more"), [("compose", ""), ("local", 'directory = "{place}"')])
def test_what_a_viewer_opens_holds_reading_clients_only(driver: str, more: str, tmp_path: Path) -> None:
    path = tmp_path / "vq-tui.toml"
    path.write_text(CONFIG.format(place=tmp_path, driver=driver, more=more.format(place=tmp_path)))
    path.chmod(0o600)
    access = Access("shop", load(path).environments["shop"])
    held = list(vars(access.workload("api", "main")).values())
    assert any(isinstance(one, DockerReader | SupervisorReader) for one in held)
    assert not any(isinstance(one, DockerWriter | SupervisorWriter) for one in held)
