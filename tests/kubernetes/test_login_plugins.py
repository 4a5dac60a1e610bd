"""Login plugins of a kubeconfig (`exec`): asked once, without a terminal, and again when what they gave has ended."""

import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actions.clients.kubernetes_api import KubernetesReader
from actions.model.errors import ConfigError, Unreachable
from tests.certificates import Authority
from tests.hostile_http import answer
from tests.kubernetes.kubeconfigs import FOUND, PODS, Json, asked, encoded, serving, written


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Path]:
    """A login plugin; it answers with what lies beside it, and notes each call."""
    program = tmp_path / "login"
    program.write_text(
        f"#!{sys.executable}\nimport os, sys\nfrom pathlib import Path\nhere = Path({str(tmp_path)!r})\n"
        "with (here / 'calls').open('a') as calls:\n"
        "    calls.write(' '.join(sys.argv[1:]) + os.environ['MORE'] + os.environ['KUBERNETES_EXEC_INFO'] + '\\n')\n"
        "assert sys.stdin.read() == ''\n"
        "answer = here / 'answer'\n"
        "sys.exit('log in first') if not answer.exists() else print(answer.read_text())\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    yield program


def execution(**more: Any) -> Json:
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./login", "args": ["get", "token"],
                     "env": [{"name": "MORE", "value": " and more "}]} | more}  # fmt: skip


def answers(folder: Path, **status: Any) -> None:
    told = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    (folder / "answer").write_text(json.dumps(told))


async def test_a_login_plugin_is_asked_once_until_its_token_ends(tmp_path: Path, plugin: Path) -> None:
    async with serving() as server:
        answers(tmp_path, token="first", expirationTimestamp="2099-01-01T00:00:00Z")
        config = written(tmp_path / "config.yaml", {"server": server.url}, execution(provideClusterInfo=True))
        client = KubernetesReader(config, None)
        await client.get(PODS)
        await client.get(PODS)
        (call,) = (tmp_path / "calls").read_text().splitlines()
        words, _, info = call.partition(" and more ")
        assert words == "get token" and json.loads(info)["spec"] == {
            "interactive": False, "cluster": {"server": server.url}
        }  # fmt: skip
        server.answers[PODS] = lambda: answer(b"{}", "401 Unauthorized")
        with pytest.raises(Unreachable, match="401"):
            await client.get(PODS)
        answers(tmp_path, token="second", expirationTimestamp="2001-01-01T00:00:00Z")
        server.answers[PODS] = lambda: answer(json.dumps(FOUND).encode())
        await client.get(PODS)
        answers(tmp_path, token="third")
        await client.get(PODS)
        await client.close()
    shown = [one.headers["authorization"].split()[1] for one in server.requests]
    assert shown == ["first", "first", "first", "second", "third"]


async def test_a_login_plugin_may_give_a_certificate(tmp_path: Path, plugin: Path) -> None:
    authority = Authority(tmp_path)
    mine = authority.issue("by plugin")
    async with serving(authority.issue("api").server_context(client_ca=authority.file)) as server:
        answers(tmp_path, clientCertificateData=mine.certificate.read_text(), clientKeyData=mine.key.read_text())
        cluster = {"server": server.url, "certificate-authority-data": encoded(authority.file)}
        assert await asked(written(tmp_path / "config.yaml", cluster, execution())) == FOUND


async def test_a_login_plugin_that_fails_says_why(tmp_path: Path, plugin: Path) -> None:
    async with serving() as server:
        config = written(tmp_path / "config.yaml", {"server": server.url}, execution())
        with pytest.raises(Unreachable, match=r"\./login.*log in first"):
            await asked(config)
        for wrong in ({"command": "./none"}, {"interactiveMode": "Always"}, {"apiVersion": None}, {"env": [{}]}):
            with pytest.raises(ConfigError) as told:
                await asked(written(tmp_path / "config.yaml", {"server": server.url}, execution(**wrong)))
            assert "\n" not in told.value.message
        config = written(tmp_path / "config.yaml", {"server": server.url}, execution())
        for status in ({}, {"token": ""}):
            answers(tmp_path, **status)
            with pytest.raises(ConfigError, match="neither a token nor a certificate"):
                await asked(config)
    assert not server.requests
