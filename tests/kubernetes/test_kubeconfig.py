"""Every form of kubeconfig that leads to an API server: over TLS, through a proxy, with each kind of credentials."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from actions.clients import kubernetes_config, kubernetes_identity
from actions.clients.kubernetes_api import KubernetesReader, KubernetesWriter
from actions.model.errors import Ambiguous, ConfigError, Unreachable, VqError
from tests.certificates import Authority
from tests.hostile_http import answer
from tests.kubernetes.kubeconfigs import FOUND, PODS, Json, asked, encoded, serving, written


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def test_a_server_is_known_by_its_authority_and_by_no_other(tmp_path: Path, authority: Authority) -> None:
    other = Authority(tmp_path, "another authority")
    async with serving(authority.issue("api").server_context()) as server:
        by_data = {"server": server.url, "certificate-authority-data": encoded(authority.file)}
        assert await asked(written(tmp_path / "data.yaml", by_data)) == FOUND
        (tmp_path / "ca.pem").write_bytes(authority.file.read_bytes())
        by_file = {"server": server.url, "certificate-authority": "ca.pem"}
        assert await asked(written(tmp_path / "file.yaml", by_file)) == FOUND
        skipped = {"server": server.url, "insecure-skip-tls-verify": True}
        assert await asked(written(tmp_path / "skip.yaml", skipped)) == FOUND
        before = len(server.requests)
        for number, wrong in enumerate(({}, {"certificate-authority-data": encoded(other.file)})):
            with pytest.raises(Unreachable, match="does not accept connections"):
                await asked(written(tmp_path / f"{number}.yaml", {"server": server.url, **wrong}))
        assert len(server.requests) == before


async def test_the_name_in_the_certificate_may_be_another_one(tmp_path: Path, authority: Authority) -> None:
    async with serving(authority.issue("named", hosts=("kubernetes.default",)).server_context()) as server:
        cluster = {"server": server.url, "certificate-authority-data": encoded(authority.file)}
        with pytest.raises(Unreachable):
            await asked(written(tmp_path / "address.yaml", cluster))
        assert await asked(written(tmp_path / "n.yaml", cluster | {"tls-server-name": "kubernetes.default"})) == FOUND


async def test_client_certificates_leave_nothing_behind(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    mine = authority.issue("somebody")
    context = authority.issue("api").server_context(client_ca=authority.file)
    async with serving(context) as server:
        cluster = {"server": server.url, "certificate-authority-data": encoded(authority.file)}
        by_data = {"client-certificate-data": encoded(mine.certificate), "client-key-data": encoded(mine.key)}
        by_file = {"client-certificate": str(mine.certificate), "client-key": str(mine.key)}
        assert await asked(written(tmp_path / "data.yaml", cluster, by_data)) == FOUND
        assert await asked(written(tmp_path / "file.yaml", cluster, by_file)) == FOUND
        with pytest.raises(VqError):
            await asked(written(tmp_path / "nobody.yaml", cluster))
    assert not list((tmp_path / "scratch").iterdir())


@pytest.mark.parametrize(("user", "shown"), [
    ({"token": "secret"}, "Bearer secret"),
    ({"tokenFile": "token"}, "Bearer of the file"),
    ({"tokenFile": "token", "token": "older"}, "Bearer of the file"),
    ({"username": "u", "password": "p"}, "Basic dTpw"),
    ({"auth-provider": {"name": "gcp", "config": {"access-token": "renewed"}}}, "Bearer renewed"),
    ({}, None),
])  # fmt: skip
async def test_each_kind_of_credentials_is_shown(tmp_path: Path, user: Json, shown: str | None) -> None:
    (tmp_path / "token").write_text("of the file\n")
    async with serving() as server:
        await asked(written(tmp_path / "config.yaml", {"server": f"{server.url}/k8s/c-1/"}, user))
        assert server.requests[-1].headers.get("authorization") == shown
        assert server.requests[-1].path == f"/k8s/c-1{PODS}"


async def test_a_token_file_that_was_replaced_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes_identity, "TOKEN_SECONDS", 0.0)
    token = tmp_path / "token"
    token.write_text("first")
    async with serving() as server:
        client = KubernetesReader(written(tmp_path / "c.yaml", {"server": server.url}, {"tokenFile": "token"}), None)
        await client.get(PODS)
        token.write_text("second")
        await client.get(PODS)
        token.unlink()  # it is being replaced: the last one still counts
        await client.get(PODS)
        await client.close()
        assert [one.headers["authorization"].split()[1] for one in server.requests] == ["first", "second", "second"]
        with pytest.raises(ConfigError, match="token"):
            await asked(written(tmp_path / "c.yaml", {"server": server.url}, {"tokenFile": "token"}))


async def test_in_a_pod_the_service_account_is_used(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes_config, "ACCOUNT", tmp_path)
    (tmp_path / "token").write_text("of the pod")
    (tmp_path / "ca.crt").write_bytes(authority.file.read_bytes())
    async with serving(authority.issue("api").server_context()) as server:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        assert await asked(None) == FOUND
        assert server.requests[-1].headers["authorization"] == "Bearer of the pod"


async def test_of_several_files_the_first_to_name_something_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as server:
        one = written(tmp_path / "one.yaml", {"server": server.url}, {"token": "one"})
        two = written(tmp_path / "two.yaml", {"server": server.url}, {"token": "two"}, "second")
        monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, (tmp_path / "none.yaml", one, two))))
        for context, token in (("here", "one"), ("second", "two")):
            await asked(None, context)
            assert server.requests[-1].headers["authorization"] == f"Bearer {token}"
        assert kubernetes_config._chosen([two, one], None).context == "second"


@asynccontextmanager
async def proxying(seen: list[str]) -> AsyncIterator[str]:
    """An HTTP proxy that knows CONNECT, and passes what comes after it on."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        seen.append(head)
        host, _, port = head.split()[1].rpartition(":")
        beyond, to = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(copy(reader, to), copy(beyond, writer), return_exceptions=True)
        to.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://me:mine@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.mark.parametrize("name", ["", "kubernetes.default"])
async def test_a_proxy_of_the_kubeconfig_is_used(tmp_path: Path, authority: Authority, name: str) -> None:
    seen: list[str] = []
    issued = authority.issue("behind", hosts=(name,) if name else ("localhost",))
    async with serving(issued.server_context()) as server, proxying(seen) as proxy:
        cluster = {"server": server.url, "proxy-url": proxy, "certificate-authority-data": encoded(authority.file)}
        cluster |= {"tls-server-name": name} if name else {}
        assert await asked(written(tmp_path / "config.yaml", cluster, {"token": "secret"})) == FOUND
    (head,) = seen
    assert head.startswith("CONNECT 127.0.0.1:") and "Basic bWU6bWluZQ==" in head and "secret" not in head


async def test_a_kept_connection_that_the_server_closed_costs_no_read_and_doubts_no_write(tmp_path: Path) -> None:
    async with serving() as server:
        path = f"{PODS}/one?fieldManager=vq-tui"
        server.answers[path] = lambda: answer(b"{}")
        client = KubernetesWriter(written(tmp_path / "config.yaml", {"server": server.url}), None)
        await client.get(PODS)
        await client.get(PODS)
        assert server.connections == 1
        assert await client.patch(f"{PODS}/one", []) == {} and server.connections == 2
        server.answers[path] = lambda: b""
        with pytest.raises(Ambiguous):
            await client.patch(f"{PODS}/one", [])
        assert [one.method for one in server.requests].count("PATCH") == 2
        await client.close()


@pytest.mark.parametrize("held", [
    {"clusters": "none"}, {"clusters": [{}]}, {"clusters": [{"name": "a", "cluster": []}]}, {"current-context": "a"},
    {},
])  # fmt: skip
async def test_a_kubeconfig_of_another_form_is_one_clear_error(tmp_path: Path, held: Json) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(held))
    with pytest.raises(ConfigError, match=r"config\.yaml") as told:
        await asked(tmp_path / "config.yaml")
    assert "\n" not in told.value.message


def test_looking_at_a_cluster_loads_no_library_that_is_slow_to_load() -> None:
    words = (
        "import sys, actions.platforms.kubernetes.driver as d; "
        "print([n for n in ('kubernetes', 'aiohttp', 'requests') if n in sys.modules], hasattr(d, 'LIBRARIES'))"
    )
    said = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["[]", "False"]
