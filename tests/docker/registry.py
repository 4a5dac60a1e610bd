"""A registry of container images: Debian's docker-registry on a local port, where the engine asks for no TLS."""

import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.docker.project import free_ports, until

CONFIG = """version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: {folder}}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Its address; it keeps its blobs in `folder` and is ended afterwards."""
    port = free_ports(1)
    address = f"127.0.0.1:{port}"
    config = folder / "registry.yml"
    config.write_text(CONFIG.format(folder=folder / "blobs", port=port))
    process = subprocess.Popen(
        ["docker-registry", "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: _answers(f"http://{address}/v2/"))
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        return bool(urllib.request.urlopen(url, timeout=2).status == 200)
    except (OSError, urllib.error.URLError):
        return False


def pushed(engine: Any, image: str, repository: str, tag: str) -> str:
    """Push that image under that name; the name by which its digest is known from then on."""
    engine.tag(image, repository, tag)
    said = list(engine.push(repository, tag, stream=True, decode=True))
    assert not [line for line in said if "error" in line], said
    (digest,) = [line["aux"]["Digest"] for line in said if "aux" in line]
    return f"{repository}@{digest}"
