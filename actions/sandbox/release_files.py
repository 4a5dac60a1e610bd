"""Releases of the virtual-queue API as artefacts on disk: `releases/<version>/` with its manifest and content.

The artefact id is the sha256 over the version and `behaviour.json`, which is what makes versions differ. The service
loads it from there at start and refuses a file that does not match, so what is deleted or changed is really gone.
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from actions.model.base import Fact
from actions.model.errors import Refused, UnknownNameError
from actions.model.files import write_durably

MANIFEST = "manifest.json"
SCHEMA = 41  # version of the database schema that `up` creates


class Behaviour(Fact):
    """How one version of the service behaves. Rates are fractions of API requests, latency is added to each."""

    title: str
    health: Literal["ok", "fail"] = "ok"
    latency_ms: Annotated[float, Field(ge=0)] = 0
    error_rate: Annotated[float, Field(ge=0, le=1)] = 0
    crash_after_seconds: float | None = None
    leak_mib_per_second: float = 0
    leak_limit_mib: float = 160


class Manifest(Fact):
    """What a release says about itself. It runs on database schemas from `min_schema` to `max_schema`."""

    version: str
    artefact: str
    min_schema: int
    max_schema: int
    behaviour: str = "behaviour.json"


class Release(Fact):
    """A release as read from its directory, checked against its artefact id."""

    directory: Path
    manifest: Manifest
    behaviour: Behaviour


_CATALOGUE: dict[str, tuple[int, int, Behaviour]] = {
    "2.3.8": (39, 40, Behaviour(title="queues and sessions")),
    "2.3.9": (40, 41, Behaviour(title="positions from counters")),
    "2.4.0": (40, 42, Behaviour(title="idempotent joins")),
    "2.4.1": (41, 42, Behaviour(title="faster lists")),
    "2.4.2": (41, 42, Behaviour(title="new health checks", health="fail", error_rate=0.2)),
    "2.4.3": (41, 42, Behaviour(title="richer lists", latency_ms=700)),
    "2.4.4": (41, 42, Behaviour(title="new session store", error_rate=0.05)),
    "2.4.5": (41, 42, Behaviour(title="new start-up", crash_after_seconds=0.6)),
    "2.4.6": (41, 42, Behaviour(title="session cache", leak_mib_per_second=4)),
}
GOOD_VERSIONS = ("2.3.8", "2.3.9", "2.4.0", "2.4.1")


def write_release(releases: Path, version: str) -> Release:
    """Bring a release onto this host, as an upload would. One that is there and intact is left alone."""
    if version not in _CATALOGUE:
        raise UnknownNameError(f"unknown release {version!r}; known: {', '.join(_CATALOGUE)}")
    directory = releases / version
    if (directory / MANIFEST).exists():
        return read_release(directory)
    low, high, behaviour = _CATALOGUE[version]
    content = (json.dumps(behaviour.model_dump(mode="json"), indent=1, sort_keys=True) + "\n").encode()
    manifest = Manifest(version=version, artefact=artefact_id(version, content), min_schema=low, max_schema=high)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(directory / manifest.behaviour, content)
    write_durably(directory / MANIFEST, manifest.model_dump_json(indent=1).encode())
    return read_release(directory)


def read_release(directory: Path) -> Release:
    """Read and check a release. Raises Refused that says what is wrong with it."""
    try:
        manifest = Manifest.model_validate_json((directory / MANIFEST).read_bytes())
        content = (directory / manifest.behaviour).read_bytes()
        behaviour = Behaviour.model_validate_json(content)
    except FileNotFoundError as error:
        raise Refused(f"release {directory.name} is not on this host: {error.filename} is missing") from error
    except ValidationError as error:
        raise Refused(f"release {directory.name} is damaged: {error.errors()[0]['msg']} in {directory}") from error
    if artefact_id(manifest.version, content) != manifest.artefact:
        raise Refused(f"release {directory.name} is damaged: {manifest.behaviour} does not match its artefact id")
    return Release(directory=directory, manifest=manifest, behaviour=behaviour)


def artefact_id(version: str, content: bytes) -> str:
    """The immutable name of an artefact: sha256 over its version and content, in hex."""
    return "sha256:" + hashlib.sha256(version.encode() + b"\n" + content).hexdigest()


def manifest_facts(directory: Path) -> dict[str, Any]:
    """The manifest as plain JSON values."""
    return read_release(directory).manifest.model_dump(mode="json")
