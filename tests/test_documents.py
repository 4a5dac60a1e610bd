"""What the documents show works: samples of the configuration load, and nginx takes the lines of its page."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from actions.clients.nginx_configuration import from_dump
from actions.config import load
from actions.model.services import HttpService
from actions.model.workloads import NginxTraffic
from actions.platforms.nginx import server_block
from actions.platforms.nginx.driver import beginning
from actions.platforms.nginx.wiring import Use, wiring
from tests.conftest import Cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


def sample(page: str, place: Path) -> tuple[HttpService, Path]:
    """The service `api` of a page's configuration."""
    path = place / "vq-tui.toml"
    path.write_text(blocks(ROOT / "docs" / page, "toml")[0])
    path.chmod(0o600)
    service = load(path).environments["production"].services["api"]
    assert isinstance(service, HttpService)
    return service, path


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "toml")], ids=lambda page: page.name)
def test_the_configuration_of_a_page_loads(page: Path, tmp_path: Path) -> None:
    for text in blocks(page, "toml"):
        path = tmp_path / "vq-tui.toml"
        path.write_text(text)
        path.chmod(0o600)
        assert load(path).environments


@pytest.mark.machine("nginx")
def test_nginx_takes_the_lines_of_its_page(tmp_path: Path, cli: Cli) -> None:
    service, config = sample("nginx.md", tmp_path)
    traffic = service.traffic
    assert isinstance(traffic, NginxTraffic)
    said = cli("--config", config, "config", "include", "blue")
    assert said.code == 0 and "location = /__gen" in said.err, said
    include = tmp_path / "active.conf"
    include.write_text(said.out)
    text = blocks(ROOT / "docs" / "nginx.md", "nginx")[0]
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        "events {}\n" + text.replace(str(traffic.include), str(include)).replace("listen 8080", "listen 0")
    )
    whole.write_text(whole.read_text().replace("listen 0", "listen 127.0.0.1:18080"))
    words = [shutil.which("nginx") or "nginx", "-p", tmp_path, "-c", whole, "-T", "-q"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    followed = from_dump(done.stdout)
    assert str(include) in followed.files
    read = wiring(followed, traffic, service.url, ("/",))
    assert (read.generation, read.upstream, read.bounded) == (Use.SURE, Use.SURE, True)


def test_the_lines_a_command_tells_are_those_of_the_page(tmp_path: Path) -> None:
    service, _ = sample("nginx.md", tmp_path)
    assert isinstance(service.traffic, NginxTraffic)
    _, lines = beginning(service.traffic, service.slots, "blue")
    page = " ".join(blocks(ROOT / "docs" / "nginx.md", "nginx")[0].split())
    for needed in (
        server_block.location(service.traffic),
        "proxy_pass http://vq_active;",
        "include /etc/nginx/vq/active.conf;",
    ):
        assert needed in page and any(needed in line for line in lines)


def test_a_first_include_needs_a_known_slot_and_one_service(tmp_path: Path, cli: Cli) -> None:
    _, config = sample("nginx.md", tmp_path)
    assert "no slot 'red'; configured: blue, green" in cli("--config", config, "config", "include", "red").line
    _, other = sample("kubernetes.md", tmp_path)
    assert cli("--config", other, "config", "include", "blue").code == 2
