"""A blue-green pair behind a real nginx: plain addresses, or processes of a supervisor, as colours."""

import hashlib
import json
import subprocess
import sys
import urllib.request
from asyncio import run
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actions.clients.processes import ProcessSpec
from actions.clients.supervisor import SupervisorWriter
from actions.model.identity import new_id
from actions.model.workloads import LocalWorkload, NginxTraffic, Slot
from actions.platforms.local.starting import end_supervisor, start_supervisor
from actions.platforms.nginx.driver import addresses
from actions.platforms.nginx.include import read, render
from tests.conftest import Cli
from tests.end_to_end.stage import GOOD, Stage, until
from tests.nginx.real import Colour, RealNginx, configured, real_nginx
from tests.ports import free_port

SERVER = Path(__file__).with_name("colour_server.py")


class NginxStage(Stage):
    """A stage whose nginx a test may disturb."""

    nginx: RealNginx

    @property
    def serving(self) -> str:
        """The colour that the include names."""
        shares = read(self.nginx.settings.include.read_text()).shares
        return max(shares, key=lambda name: shares[name])


def flip(nginx: RealNginx, colour: str) -> None:
    """Somebody's own deployment gives the traffic to a colour, by the same include."""
    settings, slots = nginx.settings, nginx.slots
    shares = {name: 1.0 if name == colour else 0.0 for name in slots}
    known = {name: addresses(slot) for name, slot in slots.items()}
    settings.include.write_text(render(settings.upstream, f"deploy-{new_id()}", shares, known))
    subprocess.run(
        ["nginx", "-p", nginx.directory, "-c", settings.configuration, "-s", "reload"], check=True, capture_output=True
    )


def generation(nginx: RealNginx) -> str:
    """What a fresh connection is told."""
    with urllib.request.urlopen(nginx.settings.url + nginx.settings.generation_path, timeout=5) as answer:
        return str(json.load(answer)["generation"])


def traffic(settings: NginxTraffic) -> dict[str, Any]:
    """The table of the traffic driver."""
    return {name: value for name, value in settings.model_dump().items() if value is not None}


def service(nginx: RealNginx) -> dict[str, Any]:
    """The table of the service."""
    slots = {name: slot.model_dump(exclude_none=True) for name, slot in nginx.slots.items()}
    return {"url": nginx.settings.url, "slots": slots, "traffic": traffic(nginx.settings)}


@contextmanager
def on_addresses(folder: Path, cli: Cli) -> Iterator[NginxStage]:
    """Green (2.4.0) serves; a release goes onto the colour that stands by and takes the traffic."""
    place = folder / "nginx"
    place.mkdir()
    with real_nginx(place) as nginx:
        flip(nginx, "green")

        def release(version: str) -> None:
            standby = "blue" if stage.serving == "green" else "green"
            nginx.colours[standby].version = version
            flip(nginx, standby)

        stage = NginxStage("nginx with addresses", cli, folder, service(nginx), release)
        stage.nginx = nginx
        until(lambda: stage.serves(GOOD), f"{GOOD} serves")
        yield stage


def write_release(releases: Path, version: str) -> str:
    """A release on this host; its artefact id."""
    content = json.dumps({"version": version}).encode()
    artefact = "sha256:" + hashlib.sha256(version.encode() + b"\n" + content).hexdigest()
    (releases / version).mkdir(parents=True, exist_ok=True)
    (releases / version / "behaviour.json").write_bytes(content)
    manifest = {"version": version, "artefact": artefact, "behaviour": "behaviour.json"}
    (releases / version / "manifest.json").write_text(json.dumps(manifest))
    return artefact


class Processes:
    """Two supervised processes, one a colour."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.releases = directory / "releases"
        self.ports = {colour: free_port() for colour in ("blue", "green")}

    def place(self, colour: str, version: str) -> None:
        """Have that release run in that colour, and answer."""
        spec = ProcessSpec(
            name=f"api-{colour}",
            argv=(sys.executable, str(SERVER), "{release_dir}", str(self.ports[colour])),
            releases=self.releases,
            release=version,
            artefact=write_release(self.releases, version),
            labels={"service": "api", "colour": colour},
            backoff_seconds=30,
        )
        run(SupervisorWriter(self.directory).replace(spec, key=new_id()))

    def slots(self) -> dict[str, Slot]:
        """The colours as configured."""
        return {
            colour: Slot(
                workload=LocalWorkload(directory=self.directory, service=f"api-{colour}"),
                url=f"http://127.0.0.1:{port}",
                address=f"127.0.0.1:{port}",
            )
            for colour, port in self.ports.items()
        }


class LocalStage(NginxStage):
    """Colours that the program itself may change."""

    processes: Processes


@contextmanager
def on_processes(folder: Path, cli: Cli) -> Iterator[LocalStage]:
    """Green (2.4.0) serves, blue stands by with 2.3.9; both are processes of a supervisor."""
    place, state = folder / "nginx", folder / "state"
    place.mkdir()
    state.mkdir()
    place.chmod(0o755)
    start_supervisor(state)
    processes = Processes(state)
    nginx: RealNginx | None = None
    try:
        processes.place("blue", "2.3.9")
        processes.place("green", GOOD)
        colours: dict[str, Colour] = {}
        settings = configured(place, processes.slots(), "green")
        nginx = RealNginx(place, int(settings.url.rpartition(":")[2]), colours, settings, processes.slots())
        nginx.start()

        def release(version: str) -> None:
            standby = "blue" if stage.serving == "green" else "green"
            processes.place(standby, version)
            flip(stage.nginx, standby)

        stage = LocalStage("nginx with processes", cli, folder, service(nginx), release)
        stage.nginx, stage.processes = nginx, processes
        until(lambda: stage.serves(GOOD), f"{GOOD} serves")
        yield stage
    finally:
        if nginx is not None:
            nginx.stop()
        end_supervisor(state)
