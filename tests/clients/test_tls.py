"""TLS is trusted only as configured, and no header leaves before it is."""

import asyncio
import ssl
from pathlib import Path

import pytest
from pydantic import SecretStr

from actions.clients.certificate import CertificateReader
from actions.clients.http import HttpReader, Trouble
from actions.model.errors import ConfigError, Unreachable
from actions.model.workloads import Tls
from tests.certificates import Authority
from tests.hostile_http import bad_server

SECRET = SecretStr("Bearer c4nary-t0ken")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def test_a_pinned_authority_is_trusted_and_an_unknown_one_is_not(authority: Authority, tmp_path: Path) -> None:
    async with bad_server(authority.issue("api").server_context()) as server:
        good = await HttpReader(server.url, tls=Tls(ca=authority.file)).get("/health")
        assert good.good
        for tls in (None, Tls(ca=Authority(tmp_path, "another authority").file)):
            bad = await HttpReader(server.url, tls=tls, headers={"Authorization": SECRET}).get("/health")
            assert bad.trouble is Trouble.TLS and "certificate not accepted" in bad.reason
        assert len(server.requests) == 1


async def test_the_servers_own_certificate_may_be_pinned(authority: Authority) -> None:
    issued = authority.issue("api")
    async with bad_server(issued.server_context()) as server:
        assert (await HttpReader(server.url, tls=Tls(ca=issued.certificate)).get("/health")).good


@pytest.mark.parametrize(
    ("options", "words"),
    [({"days": -0.5}, "expired"), ({"hosts": ("elsewhere.example",)}, "mismatch|not valid for")],
)
async def test_an_expired_or_foreign_certificate_is_not_accepted(
    authority: Authority, options: dict[str, object], words: str
) -> None:
    async with bad_server(authority.issue("api", **options).server_context()) as server:  # type: ignore[arg-type]
        answer = await HttpReader(server.url, tls=Tls(ca=authority.file)).get("/health")
        assert answer.trouble is Trouble.TLS and server.requests == []
        assert any(word in answer.reason for word in words.split("|")), answer.reason


async def test_a_server_name_of_its_own(authority: Authority) -> None:
    async with bad_server(authority.issue("api", hosts=("queue.example",)).server_context()) as server:
        tls = Tls(ca=authority.file, server_name="queue.example")
        assert (await HttpReader(server.url, tls=tls).get("/health")).good


async def test_a_client_certificate_is_shown_when_asked_for(authority: Authority) -> None:
    context = authority.issue("api").server_context(client_ca=authority.file)
    mine = authority.issue("operator")
    async with bad_server(context) as server:
        without = await HttpReader(server.url, tls=Tls(ca=authority.file)).get("/health")
        assert without.trouble is Trouble.TLS
        tls = Tls(ca=authority.file, certificate=mine.certificate, key=mine.key)
        assert (await HttpReader(server.url, tls=tls).get("/health")).good


async def test_old_versions_of_tls_are_refused(authority: Authority) -> None:
    context = authority.issue("api").server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with bad_server(context) as server:
        assert (await HttpReader(server.url, tls=Tls(ca=authority.file)).get("/health")).good
        newest = await HttpReader(server.url, tls=Tls(ca=authority.file, minimum="1.3")).get("/health")
        assert newest.trouble is Trouble.TLS


async def test_plain_http_behind_https_is_no_tls() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    answer = await HttpReader(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=1).get("/health")
    assert answer.trouble is Trouble.TLS, answer
    server.close()


def test_files_that_cannot_be_used_are_named(tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.pem"):
        HttpReader("https://127.0.0.1", tls=Tls(ca=tmp_path / "nothing.pem"))
    with pytest.raises(ConfigError, match="client certificate"):
        HttpReader("https://127.0.0.1", tls=Tls(certificate=authority.file, key=tmp_path / "no.key"))


async def test_the_certificate_that_is_shown(authority: Authority) -> None:
    async with bad_server(authority.issue("api", days=5).server_context()) as server:
        known = await CertificateReader("127.0.0.1", server.port, tls=Tls(ca=authority.file)).look()
        assert (known.subject, known.issuer, known.problem) == ("api", "test authority", "")
        unknown = await CertificateReader("127.0.0.1", server.port).look()
        assert unknown.not_after == known.not_after and unknown.problem
        assert server.requests == []


async def test_no_certificate_to_be_seen() -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1: .*refused"):
        await CertificateReader("127.0.0.1", 1).look()
    async with bad_server() as plain:
        with pytest.raises(Unreachable):
            await CertificateReader("127.0.0.1", plain.port, timeout=1).look()
