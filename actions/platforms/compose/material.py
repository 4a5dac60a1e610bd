"""Undo material of one container: its raw inspect, its image's, files Compose put in; written before anything changes.

Environments may hold secrets: the file is 0600 in the run's 0700 folder, and only its name and sha256 leave it.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from actions.model.base import Fact
from actions.model.errors import VqError
from actions.model.files import write_durably
from actions.platforms.compose.body import same_again

Body = dict[str, Any]


class Material(Fact):
    """Raw bodies as they were. `served` says whether the container was found healthy then."""

    container: Body
    image: Body
    served: bool


def path_of(folder: Path, container: str) -> Path:
    """Where the material of that container is."""
    return folder / f"container-{container[:12]}.json"


def write_files(folder: Path, container: str, archive: bytes) -> None:
    """Keep an archive of what Compose put into that container."""
    if archive:
        write_durably(files_of(folder, container), archive, mode=0o600)


def read_files(folder: Path, container: str) -> bytes:
    """The archive of what Compose put into that container; empty for none. Raises OSError."""
    try:
        return files_of(folder, container).read_bytes()
    except FileNotFoundError:
        return b""


def files_of(folder: Path, container: str) -> Path:
    """Where that archive is."""
    return path_of(folder, container).with_suffix(".tar")


def write_body(folder: Path, container: str) -> Path:
    """Write the body by which the engine makes that container again, for a person's hands. Raises VqError."""
    path = path_of(folder, container).with_suffix(".body.json")
    if not path.exists():
        body = same_again(read(folder, container).container, {}).body
        write_durably(path, json.dumps(body, indent=1).encode(), mode=0o600)
    return path


def note_removal(folder: Path, container: str) -> None:
    """Write down that this run is about to remove the container, so that its absence is ours to mend."""
    if not _removed(folder, container).exists():
        write_durably(_removed(folder, container), b"", mode=0o600)


def note_made(folder: Path, container: str, *, made: bool) -> None:
    """Write down that something stands in the container's place, or before this run removes that, that nothing will."""
    if made:
        write_durably(_made(folder, container), b"", mode=0o600)
    else:
        _made(folder, container).unlink(missing_ok=True)


def vacated(folder: Path, container: str) -> bool:
    """Whether this run took the container away and had nothing in its place yet: what is gone now is ours to mend."""
    return _removed(folder, container).exists() and not _made(folder, container).exists()


def _removed(folder: Path, container: str) -> Path:
    return path_of(folder, container).with_suffix(".removed")


def _made(folder: Path, container: str) -> Path:
    return path_of(folder, container).with_suffix(".made")


def write(folder: Path, material: Material) -> tuple[Path, str]:
    """Write it durably, once: what was written before the first act is never replaced. Returns file and sha256."""
    path = path_of(folder, material.container["Id"])
    if not path.exists():
        write_durably(path, json.dumps(material.model_dump(), indent=1).encode(), mode=0o600)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def read(folder: Path, container: str) -> Material:
    """Raises VqError when it is absent or damaged: without it nothing may be touched."""
    path = path_of(folder, container)
    try:
        return Material.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        kind = "absent" if isinstance(error, FileNotFoundError) else "damaged"
        raise VqError(f"the undo material {path} is {kind}: nothing is changed without it") from error
