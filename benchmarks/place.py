"""Where the measurements of one call are taken: a directory, an embedded stack that comes when it is first needed."""

import contextlib
import json
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from benchmarks import health_sweep
from benchmarks.terminal import environment

_SCRIPT = Path(sys.executable).with_name("vq-tui")
PROGRAM = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-m", "vq_tui"]
"""What people start: the installed command."""


class Place:
    """One scratch directory; `close` ends the stack and removes everything."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="vqb-"))
        self.environment = environment(self.directory / "home")
        self._stack: SandboxFacts | None = None

    def close(self) -> None:
        """Leave nothing."""
        if self._stack is not None:
            stack.down(self._stack.directory)
        shutil.rmtree(self.directory, ignore_errors=True)

    def stack(self) -> SandboxFacts:
        """The embedded stack, brought up once."""
        if self._stack is None:
            self.call("sandbox", "up", "--dir", str(self.directory / "stack"), "--json")
            self._stack = stack.up(self.directory / "stack")
        return self._stack

    def call(self, *words: str, accept: tuple[int, ...] = (0,)) -> dict[str, Any]:
        """What one call of the program answered. Raises RuntimeError with what it said."""
        said = subprocess.run(
            [*PROGRAM, *words], env=self.environment, capture_output=True, text=True, timeout=180, check=False
        )
        if said.returncode not in accept:
            raise RuntimeError(f"vq-tui {' '.join(words)} ended with {said.returncode}: {said.stderr[-500:]}")
        found: dict[str, Any] = json.loads(said.stdout)
        return found

    def config(self, name: str, text: str) -> Path:
        """A configuration file of a measurement's own."""
        path = self.directory / f"{name}.toml"
        path.write_text(text)
        path.chmod(0o600)
        return path


@contextlib.contextmanager
def answering(targets: int) -> Iterator[list[str]]:
    """Addresses of that many HTTP services that answer at once, served by another process."""
    sockets = [health_sweep.listening() for _ in range(targets)]
    urls = [f"http://127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    server = multiprocessing.Process(target=health_sweep.serve, args=(sockets,), daemon=True)
    server.start()
    for one in sockets:
        one.close()
    try:
        yield urls
    finally:
        server.terminate()
        server.join()


def http_services(environment: str, urls: list[str], first: str = "s") -> str:
    """These addresses as services of a configuration file."""
    return "".join(
        f'\n[environments.{environment}.services.{first}{number}]\nkind = "http"\nurl = "{url}"\n'
        for number, url in enumerate(urls)
    )
