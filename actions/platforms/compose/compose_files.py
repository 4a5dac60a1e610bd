"""Which files `docker-compose up` reads for a project, and what our pin file among them looks like."""

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from actions.platforms.compose import labels

BASES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
    "compose.override.yml",
    "compose.override.yaml",
)
APART = "compose.pin.yaml"
_MARK = "# vq-tui pin"
_IMAGE = re.compile(r'^  (?P<service>"(?:[^"\\]|\\.)*"):\n    image: (?P<image>"(?:[^"\\]|\\.)*")\n', re.MULTILINE)
_VERSION = re.compile(r"^version:[ \t]*['\"]?(?P<version>[\d.]+)['\"]?[ \t]*(?:#.*)?$", re.MULTILINE)
_FILE_LIMIT = 4 * 1024 * 1024


@dataclass(frozen=True)
class ProjectFiles:
    """A project's files: what `up` reads now, in order; `explicit` when somebody chose them, by `-f` or by `.env`."""

    directory: Path
    read: tuple[Path, ...]
    explicit: bool


def project_files(carried: dict[str, str]) -> ProjectFiles | None:
    """From the labels of one of its containers; None when the files are not on this host."""
    directory = Path(carried.get(labels.WORKING_DIR, ""))
    named = [name for name in carried.get(labels.CONFIG_FILES, "").split(",") if name]
    if not named or not directory.is_absolute():
        return None
    chosen = _chosen(directory)
    files = chosen or [directory / name for name in named]
    bases = [one for one in files if one.name not in OVERRIDES]
    plain = not chosen and len(bases) == 1 and bases[0].parent == directory and bases[0].name in BASES
    if plain:
        present = [directory / name for name in OVERRIDES if (directory / name).is_file()]
        files = [bases[0], *present]
    else:
        files = [one for one in files if one.is_file() or not is_ours(one)]
    if not all(one.is_file() for one in files):
        return None
    return ProjectFiles(directory, tuple(files), explicit=not plain)


def _chosen(directory: Path) -> list[Path]:
    """The files that the project's `.env` names by COMPOSE_FILE, which is read by every `up` there."""
    try:
        lines = (directory / ".env").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    said = dict(line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    names = said.get("COMPOSE_FILE", "").strip().strip("'\"")
    separator = said.get("COMPOSE_PATH_SEPARATOR", os.pathsep).strip().strip("'\"") or os.pathsep
    return [directory / name for name in names.split(separator) if name]


def pin_place(files: ProjectFiles, wanted: Path | None) -> tuple[Path, bool]:
    """The pin file, and whether a plain `up` will read it."""
    if wanted is not None:
        path = wanted if wanted.is_absolute() else files.directory / wanted
        beside = not files.explicit and path.parent == files.directory and path.name in OVERRIDES
        return path, path == files.read[-1] or (beside and len(files.read) == 1)
    ours = [one for one in files.read if is_ours(one)]
    if ours:
        return ours[-1], ours[-1] == files.read[-1]
    if files.explicit or len(files.read) > 1:
        return files.directory / APART, False
    docker = files.read[0].name.startswith("docker-")
    return files.directory / (OVERRIDES[0] if docker else OVERRIDES[3]), True


def pinned_images(text: str) -> dict[str, str] | None:
    """Services and images of a pin file of ours; None for any other file."""
    if not text.startswith(_MARK):
        return None
    return {json.loads(match["service"]): json.loads(match["image"]) for match in _IMAGE.finditer(text)}


def pin_text(images: dict[str, str], version: str | None) -> str:
    """A pin file for those services. Compose 1 wants every file to name the same format version."""
    lines = [
        f"{_MARK}: these services were rolled back; without this file the next `up` would roll them forward.",
        "# To release a service, take its entry away (or delete this file) and deploy as usual.",
    ]
    lines += [f'version: "{version}"'] if version else []
    lines.append("services:")
    for service, image in sorted(images.items()):
        lines += [f"  {json.dumps(service)}:", f"    image: {json.dumps(image)}"]
    return "\n".join(lines) + "\n"


def format_version(base: Path) -> str | None:
    """The format version that a Compose file names, if it does."""
    match = _VERSION.search(text_of(base) or "")
    return match["version"] if match else None


def is_ours(path: Path) -> bool:
    """Whether the file there is a pin of ours, or was one and is gone."""
    text = text_of(path)
    return path.name == APART if text is None else text.startswith(_MARK)


def text_of(path: Path) -> str | None:
    """The content; None when there is no such file. Raises OSError when it cannot be read or is absurdly large."""
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_LIMIT + 1)
    except FileNotFoundError:
        return None
    if len(content) > _FILE_LIMIT:
        raise OSError(f"{path} is larger than {_FILE_LIMIT} bytes")
    return content.decode("utf-8", "replace")


def sha256_of(text: str | None) -> str | None:
    """The fingerprint of a content; None for none."""
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()
