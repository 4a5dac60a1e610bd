"""Undo material of one container: its raw inspect and its image's, written before anything is touched.

Environments may hold secrets: the file is 0600 in the run's 0700 folder, and only its name and sha256 leave it.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from actions.model.base import Fact
from actions.model.errors import VqError
from actions.model.files import write_durably

Body = dict[str, Any]


class Material(Fact):
    """Raw bodies as they were. `served` says whether the container was found healthy then."""

    container: Body
    image: Body
    served: bool


def path_of(folder: Path, container: str) -> Path:
    """Where the material of that container is."""
    return folder / f"container-{container[:12]}.json"


def note_gone(folder: Path, container: str) -> None:
    """Remember that the container was found gone, and not by us: nobody is told to start it again."""
    _gone(folder, container).touch(mode=0o600)


def noted_gone(folder: Path, container: str) -> bool:
    """Whether that was found."""
    return _gone(folder, container).exists()


def _gone(folder: Path, container: str) -> Path:
    return path_of(folder, container).with_suffix(".gone")


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
