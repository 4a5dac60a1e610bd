"""Which files `up` reads for a project, and where our pin stands among them."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from actions.platforms.compose import labels

BASES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
"""In the order in which Compose looks; from 2 on it reads only the first, before it refuses several."""
APART = "compose.pin.yaml"
MARK = "# vq-tui pin"
_VERSION = re.compile(r"^version:[ \t]*['\"]?(?P<version>[\d.]+)['\"]?[ \t]*(?:#.*)?$", re.MULTILINE)
_FILE_LIMIT = 4 * 1024 * 1024


@dataclass(frozen=True)
class ProjectFiles:
    """A project's files: what `up` reads now, in order; `explicit` when somebody chose them, by `-f` or by `.env`.

    `environment` are the files that were chosen by `--env-file`; without any, Compose reads `.env` beside the project.
    """

    directory: Path
    read: tuple[Path, ...]
    explicit: bool
    environment: tuple[Path, ...] = ()

    @property
    def variables(self) -> tuple[Path, ...]:
        """The files that variables come from."""
        return self.environment or (self.directory / ".env",)


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
        files = [bases[0], *present[:1]]
    else:
        files = [one for one in files if one.is_file() or not is_ours(one)]
    if not all(one.is_file() for one in files):
        return None
    environment = [directory / name for name in carried.get(labels.ENVIRONMENT_FILES, "").split(",") if name]
    return ProjectFiles(directory, tuple(files), explicit=not plain, environment=tuple(environment))


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
    return files.directory / (OVERRIDES[2] if docker else OVERRIDES[1]), True


def format_version(base: Path) -> str | None:
    """The format version that a Compose file names, if it does."""
    match = _VERSION.search(text_of(base) or "")
    return match["version"] if match else None


def is_ours(path: Path) -> bool:
    """Whether the file there is a pin of ours, or was one and is gone."""
    text = text_of(path)
    return path.name == APART if text is None else text.startswith(MARK)


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


def readable_text_of(path: Path) -> str | None:
    """The content of a file of variables; None too for one that only others may read: Compose will say so."""
    try:
        return text_of(path)
    except OSError:
        return None


def sha256_of(text: str | None) -> str | None:
    """The fingerprint of a content; None for none."""
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()
