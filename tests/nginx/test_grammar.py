"""What nginx accepts and serves rightly is never refused; what is not wired up never passes: asked of nginx itself."""

import asyncio
import dataclasses
import itertools
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from actions.model.words import Gate
from actions.model.workloads import NginxTraffic
from actions.platforms.nginx.driver import traffic_reader
from actions.platforms.nginx.generation import parse
from tests.nginx.grammar import Written, configurations
from tests.nginx.real import Colour, RealNginx, wait_for
from tests.ports import free_port

pytestmark = pytest.mark.machine("nginx")
COMMON = """
worker_processes 1; worker_shutdown_timeout 1s; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ }}
http {{
    access_log off; include {include};
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {http}
    {servers}
}}
"""
numbers = itertools.count()


@pytest.fixture
def elsewhere() -> Iterator[Colour]:
    """A server that is none of the colours."""
    found = Colour("elsewhere", "elsewhere")
    yield found
    found.stop()


class Batch:
    """Several configurations, each whole by itself, served by one nginx on a port for each."""

    def __init__(self, real: RealNginx, written: list[Written], other: Colour) -> None:
        self.folder = real.directory / f"batch-{next(numbers)}"
        self.folder.mkdir()
        self.real = real
        self.valid = [one for one in enumerate(written) if self._write(*one, other)]
        self.configurations = {number: self.folder / f"{number}.conf" for number, _ in self.valid}
        self.everything = self.folder / "all.conf"
        included = "\n".join(f"include {self.folder}/server-{number}.conf;" for number in self.configurations)
        http = self.valid[0][1].http.replace("{other}", str(other.port)) if self.valid else ""
        self.everything.write_text(self._common(http, included))

    def _common(self, http: str, servers: str) -> str:
        return COMMON.format(folder=self.folder, include=self.real.settings.include, http=http, servers=servers)

    def _write(self, number: int, one: Written, other: Colour) -> bool:
        """Whether nginx takes it."""
        (self.folder / f"kept-{number}-a.conf").write_text(one.kept)
        listen = f"listen 127.0.0.1:{free_port()}; include {self.folder}/kept-{number}-*.conf;"
        server = f"server {{ {listen}\n{one.server}\n}}".replace("{other}", str(other.port))
        (self.folder / f"server-{number}.conf").write_text(server)
        path = self.folder / f"{number}.conf"
        http = one.http.replace("{other}", str(other.port))
        path.write_text(f"{one.main}\n" + self._common(http, f"include server-{number}.conf;"))
        words = ["nginx", "-p", self.folder, "-c", path, "-t", "-q"]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    def settings(self, number: int) -> NginxTraffic:
        text = (self.folder / f"server-{number}.conf").read_text()
        port = text.partition("127.0.0.1:")[2].partition(";")[0]
        changed = {
            "url": f"http://127.0.0.1:{port}", "configuration": self.configurations[number], "prefix": self.folder,
            "error_log": None,
        }  # fmt: skip
        return NginxTraffic.model_validate({**self.real.settings.model_dump(), **changed})


def asked(url: str) -> tuple[str, bytes]:
    """The version that answers, empty when it is nginx itself, and the body."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.headers.get("X-Version", ""), answer.read()
    except urllib.error.HTTPError as error:
        return error.headers.get("X-Version", ""), b""


async def server_block(batch: Batch, number: int) -> Gate:
    """What readiness says of this configuration."""
    settings = batch.settings(number)
    place = batch.real.place
    service = place.settings.services["api"].model_copy(update={"url": settings.url})
    here = dataclasses.replace(place, settings=place.settings.model_copy(update={"services": {"api": service}}))
    reader = traffic_reader(settings, here)
    try:
        (found,) = [one for one in await reader.permissions() if one.id == "server-block"]
        return found.gate
    finally:
        await reader.close()


def started(batch: Batch) -> None:
    """Starts the nginx that serves the whole batch; a signal that finds the master still starting is lost."""
    subprocess.run(["nginx", "-p", batch.folder, "-c", batch.everything], check=True)
    wait_for(lambda: (batch.folder / "nginx.pid").exists() and "worker" in titles(batch))


def titles(batch: Batch) -> str:
    try:
        children = psutil.Process(int((batch.folder / "nginx.pid").read_text())).children()
        return " ".join(word for one in children for word in one.cmdline())
    except (psutil.Error, ValueError):
        return ""


@given(st.lists(configurations(), min_size=15, max_size=25))
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a smaller batch explains nothing: the message names the one
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_what_serves_is_not_refused_and_what_passes_serves(
    nginx: RealNginx, elsewhere: Colour, written: list[Written]
) -> None:
    batch = Batch(nginx, written, elsewhere)
    started(batch)
    try:
        for number, one in batch.valid:
            url = batch.settings(number).url
            gate = asyncio.run(server_block(batch, number))
            right = parse(asked(f"{url}/__gen")[1]) is not None and asked(f"{url}/")[0] == "2.4.1"
            assert not (right and gate is Gate.FAIL), f"refused, though nginx serves it rightly: {one}"
            assert right or gate is not Gate.PASS, f"passed, though nginx does not serve it: {one}"
    finally:
        words = ["nginx", "-p", batch.folder, "-c", batch.everything, "-s", "stop"]
        subprocess.run(words, check=True, capture_output=True)
        wait_for(lambda: not (batch.folder / "nginx.pid").exists())
