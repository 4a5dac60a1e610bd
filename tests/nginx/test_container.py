"""nginx in a container that mounts the configuration directory: the same switch, through the engine."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.model.errors import Unreachable
from actions.model.waiting import Deadline
from actions.model.words import Gate
from actions.model.workloads import NginxTraffic
from actions.platforms.nginx.driver import addresses, traffic_changer, traffic_reader
from actions.platforms.nginx.include import render
from tests.nginx.real import CONFIGURATION, Colour, RealNginx, wait_for
from tests.nginx.switching import colour, planned, switch
from tests.ports import free_port

pytestmark = [pytest.mark.machine("nginx"), pytest.mark.machine("docker")]

IMAGE = "vq-tui-test/nginx"
SOCKET = "unix:///var/run/docker.sock"


def root_file_system() -> bytes:
    """A tar of this machine's nginx with the libraries it loads."""
    binary = shutil.which("nginx")
    assert binary
    listed = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    files = [binary, *re.findall(r"(/\S+) \(0x", listed)]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in files:
            tar.add(os.path.realpath(name), arcname=name)
        for name, text in (
            ("etc/passwd", "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"),
            ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
            ("var/log/nginx/error.log", ""),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
        for folder in ("tmp", "run", "var/lib/nginx"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
    return stream.getvalue()


@pytest.fixture
def contained(tmp_path: Path) -> Iterator[RealNginx]:
    """nginx in a container on the host's network."""
    import docker

    client = docker.APIClient(base_url=SOCKET, timeout=20)
    tag = str(os.getpid())
    client.import_image_from_data(root_file_system(), repository=IMAGE, tag=tag)
    port, name = free_port(), f"vq-tui-test-nginx-{os.getpid()}"
    colours = {"blue": Colour("blue", "2.4.1"), "green": Colour("green", "2.4.0")}
    from actions.model.workloads import AddressWorkload, Slot

    slots = {key: Slot(workload=AddressWorkload(url=one.url), url=one.url) for key, one in colours.items()}
    directory = tmp_path / "conf"
    (directory / "extra").mkdir(parents=True)
    include = directory / "vq-active.conf"
    include.write_text(render("vq_active", "first", {"blue": 1.0}, {k: addresses(s) for k, s in slots.items()}))
    inside = "/etc/vq-nginx"
    text = CONFIGURATION.format(directory=inside, include=f"{inside}/vq-active.conf", port=port)
    text = text.replace("daemon on;", "daemon off; user root root;").replace(f"{inside}/error.log", "stderr")
    (directory / "nginx.conf").write_text(text.replace(f"pid {inside}/nginx.pid", "pid /run/nginx.pid"))
    settings = NginxTraffic(
        url=f"http://127.0.0.1:{port}", directory=directory, include=include, configuration=directory / "nginx.conf",
        binary=shutil.which("nginx") or "nginx", container=name, container_directory=Path(inside), docker_host=SOCKET,
    )  # fmt: skip
    host = client.create_host_config(network_mode="host", binds=[f"{directory}:{inside}"])
    made = client.create_container(
        f"{IMAGE}:{tag}", [settings.binary, "-c", f"{inside}/nginx.conf"], name=name, host_config=host
    )
    client.start(made["Id"])
    real = RealNginx(tmp_path, port, colours, settings, slots)
    try:
        import httpx

        def answers() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(f"{settings.url}/__gen", trust_env=False).status_code == 200
            return False

        wait_for(answers)
        yield real
    finally:
        client.remove_container(name, force=True)
        client.remove_image(f"{IMAGE}:{tag}", force=True)
        client.close()
        for one in colours.values():
            one.stop()


async def test_nginx_in_a_container_is_switched_and_switched_back(contained: RealNginx) -> None:
    reader, changer, change = await planned(contained)
    assert all(check.gate is Gate.PASS for check in await reader.permissions())
    await switch(contained, changer, change)
    assert await colour(contained) == "green"
    await changer.undo(change, "01RUN.3", contained.folder, Deadline(10), lambda _: None)
    assert await colour(contained) == "blue"


async def test_a_container_that_is_gone_is_named(contained: RealNginx) -> None:
    settings = NginxTraffic.model_validate({**contained.settings.model_dump(), "container": "no-such"})
    with pytest.raises(Unreachable, match="no-such"):
        await traffic_reader(settings, contained.place).observe()
    with pytest.raises(Unreachable, match="no-such"):
        await traffic_changer(settings, contained.place)._client.reload()


async def test_a_command_that_hangs_in_the_container_ends_by_its_deadline(
    contained: RealNginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that waits for it for ever would hold its lock for ever, and nobody would be told."""
    monkeypatch.setattr("actions.clients.nginx_runners.COMMAND_SECONDS", 2.0)
    (contained.settings.directory / "hangs.conf").write_text("daemon off; pid /tmp/other.pid; events {}")
    client = traffic_changer(contained.settings, contained.place)._client
    with pytest.raises(Unreachable, match="no answer in time"):
        await client._runner.run("-c", "/etc/vq-nginx/hangs.conf")
    tested = await client.test(contained.settings.configuration)
    assert tested.code == 0, "the next one is not held up by it"
    (contained.settings.directory / "extra" / "broken.conf").write_text("server { listen nonsense:; }")
    tested = await client.test(contained.settings.configuration)
    assert tested.code == 1 and "[emerg]" in tested.text
    await client.close()
