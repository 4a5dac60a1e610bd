"""A real nginx in a directory of its own, with two colours behind it: for tests and benchmarks."""

import contextlib
import os
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from actions.model.environment import Environment
from actions.model.services import HttpService
from actions.model.workloads import AddressWorkload, NginxTraffic, Slot
from actions.platforms.access import Place
from actions.platforms.nginx.driver import addresses
from actions.platforms.nginx.server_block import first_include
from tests.ports import free_port

CONFIGURATION = """
worker_processes 2;
worker_shutdown_timeout 20s;
daemon on;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/f;
    uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
    include {include};
    include {directory}/extra/*.conf;
    server {{
        listen 127.0.0.1:{port};
        location = /__gen {{ default_type application/json; return 200 $vq_active; }}
        location / {{
            proxy_pass http://vq_active;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            add_header X-Colour $vq_active_colour always;
        }}
    }}
}}
"""


class Colour:
    """One colour: answers its version; `/slow` waits until released."""

    def __init__(self, name: str, version: str) -> None:
        self.name, self.version = name, version
        self.entered = threading.Event()
        self.release = threading.Event()
        colour = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path == "/slow":
                    colour.entered.set()
                    colour.release.wait(20)
                body = f'{{"status": "ok", "version": "{colour.version}"}}'.encode()
                self.send_response(404 if self.path == "/never" else 200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Version", colour.version)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, request: object, client_address: object) -> None:
                """A proxy that closed its connection is no error of the colour."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


@dataclass
class RealNginx:
    """nginx, its colours, and what the driver is configured with."""

    directory: Path
    port: int
    colours: dict[str, Colour]
    settings: NginxTraffic
    slots: dict[str, Slot]
    folder: Path = field(init=False)
    pid_file: Path = field(init=False)

    def __post_init__(self) -> None:
        self.pid_file = self.directory / "nginx.pid"
        self.folder = self.directory / "undo"
        self.folder.mkdir()

    @property
    def place(self) -> Place:
        service = HttpService(url=f"http://127.0.0.1:{self.port}", slots=self.slots, traffic=self.settings)
        return Place("test", "api", "blue", Environment(services={"api": service}), self.slots, None)

    @property
    def pid(self) -> int:
        return int(self.pid_file.read_text())

    def start(self) -> None:
        """Start it and wait for a worker's answer: a signal that finds the master still starting is lost."""
        subprocess.run(["nginx", "-p", self.directory, "-c", self.settings.configuration], check=True)
        self.wait_for_answer()

    def wait_for_answer(self) -> None:
        wait_for(self._answers)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.settings.url}/__gen", timeout=5):
                return self.pid_file.exists()
        except OSError:
            return False

    def kill(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.kill(self.pid, signal.SIGTERM)
        wait_for(lambda: not self.pid_file.exists())

    def stop(self) -> None:
        self.kill()
        for colour in self.colours.values():
            colour.stop()


def wait_for(condition: "object", seconds: float = 60) -> None:
    """Wait until `condition()` holds; fails the test otherwise."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "the condition never held"
        time.sleep(0.02)


@contextlib.contextmanager
def real_nginx(directory: Path) -> Iterator[RealNginx]:
    """A running nginx whose blue colour (2.4.1) serves and whose green one (2.4.0) stands by."""
    directory.chmod(0o755)
    colours = {"blue": Colour("blue", "2.4.1"), "green": Colour("green", "2.4.0")}
    slots = {name: Slot(workload=AddressWorkload(url=colour.url), url=colour.url) for name, colour in colours.items()}
    settings = configured(directory, slots, "blue")
    real = RealNginx(directory, int(settings.url.rpartition(":")[2]), colours, settings, slots)
    real.start()
    try:
        yield real
    finally:
        real.stop()


def configured(directory: Path, slots: dict[str, Slot], serving: str) -> NginxTraffic:
    """nginx's configuration and first include for these slots, written below `directory`."""
    port, include = free_port(), directory / "conf" / "vq-active.conf"
    (directory / "conf").mkdir()
    (directory / "extra").mkdir()
    settings = NginxTraffic(
        url=f"http://127.0.0.1:{port}",
        directory=directory / "conf",
        include=include,
        configuration=directory / "nginx.conf",
        prefix=directory,
        error_log=directory / "error.log",
    )
    include.write_text(first_include(settings, {name: addresses(slot) for name, slot in slots.items()}, serving))
    settings.configuration.write_text(CONFIGURATION.format(directory=directory, include=include, port=port))
    return settings
